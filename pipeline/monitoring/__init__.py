"""Figures of what was served and of what came in, for the history that people are warned by."""
