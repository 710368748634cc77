"""Immutable releases: publish, retain, roll back, recover, look up."""
