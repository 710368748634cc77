"""What the gate chose in earlier nights."""

import datetime as dt
from typing import Any

from pipeline.state.ledger import ANALYSES, latest_of_each_night
from pipeline.state.location import Where
from pipeline.state.rows import snapshot


def last_choice(where: Where, *, as_of: dt.date) -> dict[str, Any] | None:
    """Return the last analysis of the latest night before `as_of`; None without one.

    `gate_recipe` in it is what the gate chose; `definition` and `gate_parameters`, if they are there, are the digest of
    that recipe's definition and its family and hyperparameters.

    Args:
        where: the store; one that does not exist is empty.
        as_of: the night.

    Raises:
        TableError: the database cannot be read.
    """
    with snapshot(where) as state:
        before = latest_of_each_night(state.entries(ANALYSES), as_of)
    return before[-1] if before else None
