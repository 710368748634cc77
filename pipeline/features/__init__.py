"""Plays to interactions, item and listener features, id maps; the same code for training and inference."""
