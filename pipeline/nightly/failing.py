"""A night that fails leaves what is served as it is, and says beside it that it is stale."""

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
    """How far a night came: passes on what is reported of its stages."""

    def __init__(self, report: Report) -> None:
        self._report, self.stage = report, "open"

    def __call__(self, stage: str, seconds: float | None, line: str) -> None:
        self.stage = stage
        self._report(stage, seconds, line)


@contextmanager
def mark_stale_on_failure(settings: Settings, *, as_of: dt.date, reached: Reached) -> Iterator[None]:
    """Mark what is served as stale where the block ends by an error, an interrupt among them; a note of the error says
    what that is. Not where another night is at work: that one may end well."""
    try:
        yield
    except (NightRunning, LeaseLost):
        raise
    except BaseException as err:
        with contextlib.suppress(OSError):  # a full disk, perhaps: what people are to be told is the first error
            mark_stale(settings.releases, night=as_of, stage=reached.stage, why=_why(err))
        if (meanwhile := describe_served(settings.releases)) is not None:
            err.add_note(f"Served meanwhile: {meanwhile}")
        raise


def _why(err: BaseException) -> str:
    if isinstance(err, KeyboardInterrupt):
        return "interrupted"
    return err.found if isinstance(err, NetgainError) else f"{type(err).__name__}: {err}"
