"""Proofs of the gate on real refits: how often it errs, and what it is worth."""
