"""Recommenders: a protocol, a file for each family in families/, and what families share."""
