"""Values that would be commands, paths or no numbers: refused in one line, and nothing of the world changes."""

from pathlib import Path

import pytest

from pipeline.errors import EXIT_BAD_INPUT
from tests.faults.conftest import Finished
from tests.faults.small_night import world
from tests.faults.tally import Tally
from tests.faults.warm import Warm

FAULT = "poisoned value"
WHO = ("--by", "ann", "--reason", "test")
COMMANDS = [
    ("rollback", "--to", "../../etc", *WHO),
    ("rollback", "--to", "$(touch pwned)", *WHO),
    ("rollback", "--to", "2026-01-10-000000000000\n", *WHO),
    ("night", "--as-of", "2026-01-13; touch pwned"),
    ("night", "--as-of", "9" * 400),
    ("night", "--as-of", "nan"),
    ("open", "--as-of", "2026-01-13", "--format", "`touch pwned`"),
    ("open", "--as-of", "2026-01-13", "--logs", "/nowhere/$(touch pwned)"),
    ("stage", "../publish"),
    ("stage", "fit", "als; touch pwned"),
    ("repro", "ingest && touch pwned"),
    ("promote", "--override", "--until", "2026-13-99", *WHO),
]
PARAMS = [
    ("seed: 20260101", "seed: $(touch pwned)"),
    ("seed: 20260101", f"seed: {'9' * 400}"),
    ("half_life_days: 60", "half_life_days: .inf"),
    ("half_life_days: 60", "half_life_days: .nan"),
    ("half_life_days: 60", "half_life_days: 1.0e+999"),
    ("decision_days: 3", "decision_days: 999999999999"),
]


def refused(warm: Warm, finished: Finished, tally: Tally, *command: str) -> None:
    tally.injected(FAULT)
    before = world(finished.workspace)
    ended = warm.run(finished.workspace, *command)
    assert ended.status == EXIT_BAD_INPUT, ended.said
    assert ended.said.startswith("netgain: ")
    assert ended.said.count("\n") == 1
    assert world(finished.workspace) == before
    assert not list(finished.workspace.rglob("pwned*"))
    tally.recovered(FAULT)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command)[:40])
def test_a_poisoned_argument_is_refused(command: tuple[str, ...], warm: Warm, finished: Finished, tally: Tally) -> None:
    refused(warm, finished, tally, *command)


@pytest.mark.parametrize(("old", "new"), PARAMS, ids=[new[:40] for _, new in PARAMS])
def test_a_poisoned_parameter_is_refused(old: str, new: str, warm: Warm, finished: Finished, tally: Tally) -> None:
    params: Path = finished.workspace / "params.yaml"
    text = params.read_text()
    assert old in text
    params.write_text(text.replace(old, new, 1))
    try:
        refused(warm, finished, tally, "night", "--as-of", "2026-01-13")
    finally:
        params.write_text(text)
