"""Marks the served release as stale when a night fails; the release itself stays as it is."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import NetgainError
from pipeline.nightly.dvc import Report
from pipeline.nightly.workspace_lock import NightRunning
from pipeline.releases.current import describe_served, mark_stale
from pipeline.settings import Settings
from pipeline.state.lease import LeaseLost


class Reached:
    """Remembers the stage that a night has reached and the seconds that stages took, and passes progress reports on."""

    def __init__(self, report: Report) -> None:
        self._report, self.stage = report, "open"
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, seconds: float | None, line: str) -> None:
        self.stage = stage
        if seconds is not None:
            self.seconds[stage] = seconds
        self._report(stage, seconds, line)


@contextmanager
def mark_stale_on_failure(settings: Settings, *, as_of: dt.date, reached: Reached) -> Iterator[None]:
    """Mark the served release as stale if the block raises, also on an interrupt, and add a note to the error that
    names the release. `NightRunning` and `LeaseLost` leave no mark: the other night may succeed."""
    try:
        yield
    except (NightRunning, LeaseLost):
        raise
    except BaseException as err:
        with contextlib.suppress(OSError):  # the disk may be full; the first error is the one to report
            mark_stale(settings.releases, night=as_of, stage=reached.stage, why=_why(err))
        if (meanwhile := describe_served(settings.releases)) is not None:
            err.add_note(f"Still served: {meanwhile}")
        raise


def _why(err: BaseException) -> str:
    if isinstance(err, KeyboardInterrupt):
        return "interrupted"
    return err.found if isinstance(err, NetgainError) else f"{type(err).__name__}: {err}"
