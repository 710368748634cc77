"""Guardrails, one file each or one for several of a kind; `registry.py` finds them."""
