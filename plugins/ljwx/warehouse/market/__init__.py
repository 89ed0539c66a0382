"""Market data: bars, features, stocks, what sources gave and when; revisions of all of them."""
