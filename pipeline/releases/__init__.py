"""Immutable releases: publishing, retention, rollback, recovery and lookup."""
