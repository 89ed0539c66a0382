"""Local stand-ins that speak the real protocols; the product never imports them, connections decide."""
