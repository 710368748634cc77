"""Metrics of all lists together, one file each; `registry.py` finds them."""
