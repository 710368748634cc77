"""Telling people: what happened and what to do, by webhook and mail."""
