"""Alerts to people: their texts (messages), the ways they take (channels), and when they are sent (alerts)."""
