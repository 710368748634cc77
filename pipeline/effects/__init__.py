"""One thin file an effect: what acts on the world, idempotent and repeatable after a crash."""
