"""What an answer costs: `make bench-serve`."""
