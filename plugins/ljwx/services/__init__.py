"""What people ask of the pipeline; the only part that cli, api and ui call."""
