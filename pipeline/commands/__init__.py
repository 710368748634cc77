"""Commands with commands of their own, one file each."""
