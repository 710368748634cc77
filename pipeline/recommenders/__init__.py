"""Recommenders: one protocol, one file a family, a registry."""
