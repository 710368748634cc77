"""The command `netgain`; one module for each group of commands."""
