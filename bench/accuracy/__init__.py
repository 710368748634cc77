"""Accuracy on a published split."""
