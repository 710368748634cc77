"""Tables and their schemas, atomic writes, checksums, the cache of results."""
