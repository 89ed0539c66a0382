"""Alerts to people: what is told (messages), by which way (channels), and when (alerts)."""
