"""Listening logs that look like real ones, from a seed."""
