"""What nights leave to each other: analyses, leases, overrides, the outbox."""
