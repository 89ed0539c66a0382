"""A market that is stepped through in minutes: the forward record fills by a database clock of the sandbox's own."""
