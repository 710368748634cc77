"""Readers of each log format, and what makes one play table of them."""
