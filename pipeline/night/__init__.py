"""A night from end to end: its inputs are fixed, DVC runs the pure stages, the effects follow, a summary closes it."""
