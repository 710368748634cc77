"""The progress of a night: where it is, how far each stage is, and how long it will take."""

import io
import threading
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.cli.working import working
from pipeline.graph import EFFECTS
from pipeline.heartbeat import Heartbeat
from pipeline.nightly import progress as progress_module
from pipeline.nightly.dvc import UNCHANGED
from pipeline.nightly.progress import Progress, keep_durations, steps
from pipeline.runtime.inprocess import InProcess
from pipeline.runtime.parent_watch import STARTER

NAMES = ("ingest", "validate", "fit@als", *EFFECTS)
TOTAL = len(NAMES)


class Spoken:
    """A file that collects lines, and lets a test wait for one."""

    def __init__(self) -> None:
        self.text, self.said = io.StringIO(), threading.Event()
        self.console = Console(file=self, width=200)  # type: ignore[arg-type]  # all that a console needs of a file

    def write(self, text: str) -> None:
        self.text.write(text)
        if text.strip():
            self.said.set()

    def flush(self) -> None: ...

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.text.getvalue().splitlines()]


@pytest.fixture
def spoken() -> Spoken:
    return Spoken()


def test_each_stage_is_a_line_with_its_place_and_unchanged_ones_only_count(spoken: Spoken) -> None:
    shown = Progress(spoken.console, lambda: (NAMES, {}))
    shown("ingest", 0.0, UNCHANGED)
    shown("validate", None, "")
    shown("validate", 2.5, "validate: 30 expectations")
    shown("record", 1.0, "run 7")
    shown.stop()
    assert [line.split() for line in spoken.lines()] == [
        ["2", "of", str(TOTAL), "validate", "2.5", "s", "30", "expectations"],
        ["5", "of", str(TOTAL), "record", "1.0", "s", "run", "7"],
    ]
    assert shown.durations == {"validate": 2.5, "record": 1.0}


def test_what_runs_says_how_far_it_is_and_what_the_last_night_took(spoken: Spoken) -> None:
    shown = Progress(spoken.console, lambda: (NAMES, dict.fromkeys(NAMES, 100.0)))
    shown("ingest", 1.0, "")
    shown("validate", None, "")
    shown("validate", None, "3 of 42")
    running = shown.running()
    shown.stop()
    assert f"{TOTAL} steps" in spoken.lines()[0]
    assert running == f"2 of {TOTAL}  validate, 3 of 42, 0 s of about 1 min 40 s, about 13 min 20 s to go"


def test_a_file_gets_a_line_when_a_stage_is_silent(spoken: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "SILENCE", 0.05)
    shown = Progress(spoken.console, lambda: (NAMES, {}))
    assert spoken.said.wait(10)
    assert spoken.lines()[0] == "opening the night: 0 s"
    shown("ingest", None, "")
    spoken.said.clear()
    assert spoken.said.wait(10)
    shown.stop()
    assert f"1 of {TOTAL}  ingest, 0 s" in spoken.lines()


def test_durations_are_kept_for_the_next_night_and_half_a_file_is_none(tmp_path: Path) -> None:
    assert steps(tmp_path) == (EFFECTS, {})  # before the first night there is no dvc.yaml
    (tmp_path / "dvc.yaml").write_text("stages:\n  ingest: {cmd: x}\n")
    assert steps(tmp_path) == (("ingest", *EFFECTS), {})
    keep_durations(tmp_path, {"ingest": 2.0, "record": 1.0})
    keep_durations(tmp_path, {"ingest": 3.0})
    assert steps(tmp_path)[1] == {"ingest": 3.0, "record": 1.0}
    for damaged in ("{", "[1]", '{"ingest": "long"}'):
        (tmp_path / ".netgain" / "durations.json").write_text(damaged)
        assert steps(tmp_path)[1] == {}


def test_a_stage_prints_how_many_tasks_are_done_only_for_a_night(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.runtime.progress._EVERY", 0.0)
    monkeypatch.delenv(STARTER, raising=False)
    InProcess().map(lambda task: {"n": task}, [1, 2, 3])
    assert capsys.readouterr().out == ""
    monkeypatch.setenv(STARTER, "1")
    assert InProcess().map(lambda task: {"n": task}, [1, 2, 3]) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert capsys.readouterr().out.splitlines() == ["progress: 1 of 3", "progress: 2 of 3"]


def test_a_heartbeat_counts_silence_from_what_was_said_last() -> None:
    beats: list[float] = []
    beaten = threading.Event()

    def beat(silent: float) -> None:
        beats.append(silent)
        beaten.set()

    with Heartbeat(beat, every=0.05) as heart:
        assert beaten.wait(10)
        heart.said()
    assert beats[0] >= 0.05


def test_long_work_says_something_every_few_seconds(spoken: Spoken) -> None:
    with working(spoken.console, lambda silent: f"3 trials done, {silent:.0f} s", every=0.05):
        assert spoken.said.wait(10)
    assert spoken.lines()[0] == "3 trials done, 0 s"
