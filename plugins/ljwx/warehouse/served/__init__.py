"""What those who answer over HTTP keep: who may ask, what they look at, and what has changed since they looked."""
