"""What a test does to a lease behind the back of its night."""

from typing import Any

import sqlalchemy as sa

from pipeline.state.database import writing
from pipeline.state.location import Where
from pipeline.state.schema import LEASES


def alter(where: Where, token: int, **values: Any) -> None:
    """Set columns of a lease: `beat_at`, when its last heartbeat was [s since 1970]; `started`; `ended`."""
    with writing(where) as connection:
        connection.execute(sa.update(LEASES).where(LEASES.c.token == token).values(**values))
