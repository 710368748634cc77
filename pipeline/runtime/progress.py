"""A stage's own progress, as lines that the night which started it shows beside the stage's name."""

import os
import time

from pipeline.runtime.parent_watch import STARTER

MARK = "progress: "
_EVERY = 2.0
"""The shortest time between two lines [s]."""


class Progress:
    """Prints how many of a stage's tasks are done, at most every _EVERY seconds; silent unless a night started it.

    The last task is not printed: the stage's own line follows it.
    """

    def __init__(self, total: int) -> None:
        self._total, self._said = total, time.monotonic()

    def done(self, number: int) -> None:
        """Note that so many tasks are done."""
        now = time.monotonic()
        if STARTER in os.environ and number < self._total and now - self._said >= _EVERY:
            self._said = now
            print(f"{MARK}{number} of {self._total}", flush=True)  # noqa: T201
