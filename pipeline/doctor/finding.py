"""What a check has found."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "warn", "fail"]
Repair = Callable[[str], str]
"""Mends it, on behalf of somebody, and returns what was done."""


@dataclass(frozen=True)
class Finding:
    """One line of a diagnosis.

    Attributes:
        check: what was looked at.
        level: `fail` where a night, a rollback or what is served is in danger; `warn` where somebody should know.
        found: how it is.
        fix: what to do about it; empty where nothing has to be done.
        repair: does it, where it is safe to do without knowing more.
    """

    check: str
    level: Level
    found: str
    fix: str = ""
    repair: Repair | None = field(default=None, compare=False)
