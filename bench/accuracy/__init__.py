"""Accuracy on a published split of Last.fm data."""
