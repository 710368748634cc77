"""Metrics with a value for each listener, one file each; `registry.py` finds them."""
