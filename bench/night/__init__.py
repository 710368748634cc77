"""The cost of an incremental night, beside a plain script."""
