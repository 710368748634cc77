"""Checks of a machine and its nights, with repairs that are safe to automate; one module for each check."""
