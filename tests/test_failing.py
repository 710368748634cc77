"""A failed night marks the served release as stale; a night that never started or lost its lease does not."""

import datetime as dt
from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from pipeline.nightly.failing import Reached, mark_stale_on_failure
from pipeline.nightly.workspace_lock import NightRunning
from pipeline.releases.current import MARK, stale_mark
from pipeline.releases.publishing import publish
from pipeline.settings import Settings, load_settings
from pipeline.state.lease import LeaseLost
from tests.releases.test_releases import contents

TONIGHT = dt.date(2026, 1, 12)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A release of two nights ago is served."""
    settings = load_settings({}, workspace=tmp_path)
    publish(settings.releases, contents(tmp_path, "2026-01-10", "a"))
    return settings


def fails(settings: Settings, error: BaseException, *stages: str) -> BaseException:
    reached = Reached(lambda *_: None)
    for stage in stages:
        reached(stage, None, "")
    with pytest.raises(type(error)) as raised, mark_stale_on_failure(settings, as_of=TONIGHT, reached=reached):
        raise error
    return raised.value


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (StageFailed("stage fit failed: no memory", expected="some", fix="Buy it."), "no memory"),
        (KeyboardInterrupt(), "interrupted"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
    ],
)
def test_a_failed_night_marks_the_stage_and_its_error_names_the_served_release(
    settings: Settings, error: BaseException, why: str
) -> None:
    err = fails(settings, error, "ingest", "fit")
    mark = stale_mark(settings.releases)
    assert mark is not None
    assert (mark.night, mark.stage, mark.why) == (str(TONIGHT), "fit", why)
    assert err.__notes__ == [f"Still served: release {mark.release} of the night 2026-01-10, 2 nights old"]


@pytest.mark.parametrize("kind", [NightRunning, LeaseLost])
def test_a_night_refused_because_of_another_one_leaves_no_mark(settings: Settings, kind: type[NightRunning]) -> None:
    err = fails(settings, kind("another night", expected="one at a time", fix="Wait."))
    assert not (settings.releases / MARK).exists()
    assert not hasattr(err, "__notes__")
