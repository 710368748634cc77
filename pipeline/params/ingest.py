"""Section `ingest` of params.yaml."""

from typing import Annotated

from pydantic import Field

from pipeline.params.base import Frozen, Share


class IngestParams(Frozen):
    """How landed logs are read."""

    max_quarantine_share: Share
    """Largest share of rows [0, 1] that may be quarantined; above it, the night stops."""
    listener_buckets: Annotated[int, Field(ge=1, le=4096)]
    """Partitions of a day's plays, by listener; raise it if a day's plays exceed a worker's memory."""
