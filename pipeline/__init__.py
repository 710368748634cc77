"""Netgain: nightly music recommendations that promote a model only when it pays."""
