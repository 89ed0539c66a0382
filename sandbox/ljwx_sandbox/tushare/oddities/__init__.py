"""What real sources do oddly, as options of the simulated market: none of it unless asked for."""
