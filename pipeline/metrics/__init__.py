"""Measures of quality and of cost: accuracy, beyond accuracy, slices, resource use. Pure."""
