"""Erasure of listeners: requests, removal from all data, and the proof that nothing is left."""
