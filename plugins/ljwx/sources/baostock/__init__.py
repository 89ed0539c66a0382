"""BaoStock: the whole market's daily bars without a token. See README.md."""
