"""Sources of market data, one folder a source."""
