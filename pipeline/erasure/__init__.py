"""Listeners who leave: what is asked for, what is removed where, and the proof that nothing is left."""
