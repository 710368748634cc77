"""The command `netgain`: one file for each group of commands."""
