"""The result of one check."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "warn", "fail"]
Repair = Callable[[str], str]
"""Repairs the fault on behalf of the named person, and returns what was done."""


@dataclass(frozen=True)
class Finding:
    """One line of a diagnosis.

    Attributes:
        check: name of the check.
        level: `fail` if a night, a rollback or the served release is in danger; `warn` if someone should look at it.
        found: what was found.
        fix: what to do about it; empty if nothing has to be done.
        repair: carries out the fix, if that is safe to automate.
    """

    check: str
    level: Level
    found: str
    fix: str = ""
    repair: Repair | None = field(default=None, compare=False)
