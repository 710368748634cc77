"""One thin file a stage: read, call the pure function, write."""
