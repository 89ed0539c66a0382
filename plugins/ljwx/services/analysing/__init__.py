"""Analyses of stocks as of a session, and messages in free words that ask for them."""
