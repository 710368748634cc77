"""The nightly monitor: metrics of the served lists and of the input, and when they are worth a warning."""
