"""TuShare Pro: its wire and its endpoint."""
