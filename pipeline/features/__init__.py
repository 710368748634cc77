"""From plays to interactions, id maps and lists: the same code for training and for serving."""
