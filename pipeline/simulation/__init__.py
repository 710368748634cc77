"""Simulate realistic listening logs from a seed."""
