"""The clock jumps by a year, forth or back: numbers decide who may write, not hours."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.nightly.workspace_lock import NightRunning, require_free, take_over
from pipeline.settings import load_settings
from pipeline.state.lease import LeaseLost, acquire, held, idle_seconds, in_force
from tests.faults.tally import Tally
from tests.state.leases import alter

FAULT = "clock jumped"
YEAR = 365 * 86400.0


@pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["a year ahead", "a year back"])
def test_a_jump_never_lets_two_nights_write(tmp_path: Path, jump: float, tally: Tally) -> None:
    """A clock that jumps by x makes what was touched before look −x older."""
    tally.injected(FAULT)
    (tmp_path / "night").mkdir()
    settings = load_settings({"NETGAIN_OWNER": "run-1"}, workspace=tmp_path)
    mine = take_over(settings, as_of="2026-01-10")
    alter(settings.state, mine.token, beat_at=time.time() - jump)
    other = replace(settings, owner="run-2")
    if jump < 0:
        assert idle_seconds(settings.ledger, mine) == 0
        with pytest.raises(NightRunning):
            require_free(other)  # it waits longer, never less
    else:
        require_free(other)  # taken for silent …
        later = take_over(other, as_of="2026-01-11")
        assert later.token == mine.token + 1
        with pytest.raises(LeaseLost, match="was overtaken"), held(settings.ledger, mine):
            pass  # … and the one that was taken over is turned away, though it still runs
    tally.recovered(FAULT)


def test_the_next_number_is_higher_whatever_the_clock_says(tmp_path: Path, tally: Tally) -> None:
    tally.injected(FAULT)
    first, _ = acquire(tmp_path, as_of="2026-01-10", owner=None)
    alter(tmp_path, first.token, beat_at=time.time() + YEAR)
    second, _ = acquire(tmp_path, as_of="2026-01-10", owner=None)
    assert in_force(tmp_path) == second
    assert second.token == first.token + 1
    tally.recovered(FAULT)
