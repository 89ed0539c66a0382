"""What the pages show beside the analysis: a stock's bars with what was said of it, and the record's course."""
