"""A night from end to end: fix its inputs, run the pure stages with DVC, carry out the effects, report."""
