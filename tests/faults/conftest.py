"""One warm process and one finished night for all; the table at the end."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.graph import EFFECTS
from tests.contents import contents
from tests.faults.elsewhere import fault_of
from tests.faults.extent import ALL
from tests.faults.small_night import keep_world, restore_world, run_pure, small_workspace, stage
from tests.faults.tally import RESULTS, Tally
from tests.faults.warm import Warm
from tests.workspace import copy_store

_TALLY = pytest.StashKey[Tally]()


@dataclass(frozen=True)
class Finished:
    """A night whose pure stages are done.

    Attributes:
        workspace: where they ran; a test that changes something in it puts it back.
        seconds: of each stage, undisturbed.
        data: content of every file of data/, undisturbed.
        kept: the world as it was before any effect.
    """

    workspace: Path
    seconds: dict[str, float]
    data: dict[str, str]
    kept: Path


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash.setdefault(_TALLY, Tally())


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    process = Warm()
    yield process
    process.close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, warm: Warm, migrated: Path) -> Finished:
    workspace = small_workspace(tmp_path_factory.mktemp("faults") / "w")
    copy_store(migrated, workspace)
    seconds = run_pure(warm, workspace)
    kept = tmp_path_factory.mktemp("kept")
    keep_world(workspace, kept)
    return Finished(workspace, seconds, contents(workspace), kept)


@pytest.fixture(scope="session")
def _after_effects(warm: Warm, finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in EFFECTS:
        stage(warm, finished.workspace, name)
    kept = tmp_path_factory.mktemp("after")
    keep_world(finished.workspace, kept)
    return kept


@pytest.fixture
def published(finished: Finished, _after_effects: Path) -> Iterator[Path]:
    """The workspace with the world as it is after the night's effects, for the length of a test."""
    restore_world(finished.workspace, _after_effects)
    yield finished.workspace
    restore_world(finished.workspace, finished.kept)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash.get(_TALLY, None)
    if tally is None or not tally.rows:
        return
    if ALL:
        _count_elsewhere(terminalreporter, tally)
    terminalreporter.section("faults")
    for line in tally.lines():
        terminalreporter.write_line(line)
    if ALL:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(tally.as_json(), indent=2) + "\n", encoding="utf-8")


def _count_elsewhere(reporter: pytest.TerminalReporter, tally: Tally) -> None:
    """Count a test of another folder that is about a fault as one injection: hooks of this folder do not see it."""
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            fault = fault_of(report.nodeid)
            if fault is not None and report.when == "call":
                tally.injected(fault)
                if report.passed:
                    tally.recovered(fault)
