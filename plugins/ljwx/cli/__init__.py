"""The command `ljwx`: what a person asks of the pipeline between its runs."""
