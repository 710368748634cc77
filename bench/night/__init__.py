"""An incremental night as a whole, beside a plain script."""
