"""What the product is measured by; `make bench` runs all of it."""
