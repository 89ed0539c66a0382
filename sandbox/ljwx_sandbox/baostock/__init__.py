"""BaoStock's server over the simulated market: the same TCP protocol, rows and error codes."""
