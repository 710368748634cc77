"""The progress of a night: `7 of 29`, each stage's own progress, and an estimate from the last night.

A terminal has a line that moves; a file gets a line for each stage, and one every few seconds of a long one.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipeline.errors import ParamsError, TableError
from pipeline.graph import EFFECTS, read_stages
from pipeline.heartbeat import Heartbeat
from pipeline.nightly.dvc import UNCHANGED
from pipeline.storage.json_files import read_json, write_json

SILENCE = 8.0
"""The longest time without a line in a file [s]."""
Plan = Callable[[], tuple[tuple[str, ...], dict[str, float]]]
_FILE = Path(".netgain") / "durations.json"
_OPENING = "opening the night"


def steps(workspace: Path) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return the names of a night's stages and effects, and the seconds that each took when it last ran."""
    try:
        stages = read_stages(workspace / "dvc.yaml")
    except ParamsError:  # a night writes it anew
        stages = ()
    names = (*(stage.name for stage in stages), *EFFECTS)
    try:
        known = {str(name): float(seconds) for name, seconds in read_json(workspace / _FILE).items()}
    except (TableError, ValueError, TypeError, AttributeError):  # none yet, or half a file: an estimate is only that
        known = {}
    return names, known


def keep_durations(workspace: Path, durations: Mapping[str, float]) -> None:
    """Keep the seconds of the stages that ran for the next night's estimate."""
    _, known = steps(workspace)
    write_json(workspace / _FILE, known | dict(durations))


class Progress:
    """Shows each stage as it ends, and what is running meanwhile. Call it as a `Report`.

    Attributes:
        durations: seconds of each stage that has run.
    """

    def __init__(self, console: Console, plan: Plan) -> None:
        """Start to show progress.

        Args:
            console: a terminal or a file.
            plan: returns what `steps` does; asked again when the first stage starts, since opening a night may write
                dvc.yaml anew.
        """
        self.durations: dict[str, float] = {}
        self._console, self._plan = console, plan
        self._names, self._expected = plan()
        self._seen: set[str] = set()
        self._announced = False
        self._stage, self._detail, self._started = _OPENING, "", time.monotonic()
        self._status = console.status(Text(_OPENING)) if console.is_terminal else None
        self._heartbeat = Heartbeat(self._beat, every=1.0 if self._status else SILENCE)
        self._heartbeat.__enter__()
        if self._status is not None:
            self._status.start()

    def __call__(self, stage: str, seconds: float | None, line: str) -> None:
        if self._stage == _OPENING:
            self._names, self._expected = self._plan()
            self._announce()
        if stage in EFFECTS:  # all that comes before it is done, or need not be done
            self._seen.update(self._names[: self._names.index(stage)] if stage in self._names else ())
        if line == UNCHANGED:
            self._seen.add(stage)
            return
        if seconds is None:
            if stage != self._stage:
                self._stage, self._started = stage, time.monotonic()
                self._heartbeat.said()
            self._detail = line
            return
        self._seen.add(stage)
        self.durations[stage] = seconds
        text = line.removeprefix(f"{stage}: ").removeprefix(f"{stage.split('@', maxsplit=1)[0]}: ")
        place = self._place(len(self._seen))
        self._print(Text.assemble(f"{place}  ", (f"{stage:<20}", "bold"), f"{seconds:>6.1f} s  ", (text, "dim")))
        self._heartbeat.said()

    def _announce(self) -> None:
        """Say what is ahead, once the night is open: before, a mistake of the user's is all that is printed."""
        if self._announced:
            return
        self._announced = True
        if total := sum(self._expected.get(name, 0.0) for name in self._names):
            self._print(Text(f"{len(self._names)} steps; the last night that ran all took about {duration(total)}"))

    def stop(self) -> None:
        """Stop showing progress."""
        self._heartbeat.__exit__(None, None, None)
        if self._status is not None:
            self._status.stop()

    def running(self) -> str:
        """Return what is running, how far it is, and when it and the night will probably end."""
        took = time.monotonic() - self._started
        if self._stage == _OPENING:
            return f"{_OPENING}: {duration(took)}"
        parts = [f"{self._place(len(self._seen) + 1)}  {self._stage}", self._detail, duration(took)]
        if usual := self._expected.get(self._stage):
            parts[-1] += f" of about {duration(usual)}"
        left = sum(self._expected.get(name, 0.0) for name in self._names if name not in self._seen)
        if left > took and len(self._expected) >= len(self._names) / 2:
            parts.append(f"about {duration(left - took)} to go")
        return ", ".join(filter(None, parts))

    def _place(self, number: int) -> str:
        total = len(self._names)
        return f"{min(number, total):>{len(str(total))}} of {total}"

    def _beat(self, silent: float) -> None:
        if self._status is not None:
            self._status.update(Text(self.running()))
        else:
            self._print(Text(self.running()))

    def _print(self, line: Text) -> None:
        # In a file, a line stays a line.
        self._console.print(line, soft_wrap=not self._console.is_terminal)


def duration(seconds: float) -> str:
    """Return a length of time in words.

    Examples:
        >>> duration(8.4), duration(269)
        ('8 s', '4 min 29 s')
    """
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
