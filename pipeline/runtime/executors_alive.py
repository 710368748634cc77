"""What a driver's log tells of its executors; over Spark Connect there is no other way to learn it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

_REGISTERED = re.compile(r"Registered executor .*? with ID (\S+?),")
_LOST = re.compile(r"Lost executor (\S+?) on|Executor (\S+?) on \S+ killed by driver")
_TOLD = re.compile(r"InvalidClassException|serialVersionUID|unresponsive|bootstrapping client|SaslException")
_ENDED = re.compile(r"Executor updated: \S+ is now (?:EXITED|FAILED)")


@dataclass
class ExecutorLog:
    """Reads a driver's log as it grows.

    Attributes:
        path: the log, of level INFO.
        alive: ids of executors that registered and are not lost.
        ended: number of executor processes that ended, whether or not they had registered.
        granted: whether the master ever gave an executor.
        told: the last line that names a cause of a failure; empty without one.
    """

    path: Path
    alive: set[str] = field(default_factory=set)
    ended: int = 0
    granted: bool = False
    told: str = ""
    _at: int = 0

    def read_on(self) -> None:
        """Take in the lines that were written since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._at)
                text = file.read()
        except OSError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self._take(line)

    def _take(self, line: str) -> None:
        if found := _REGISTERED.search(line):
            self.alive.add(found[1])
        elif found := _LOST.search(line):
            self.alive.discard(found[1] or found[2])
        elif _ENDED.search(line):
            self.ended += 1
        self.granted |= "Granted executor ID" in line
        if _TOLD.search(line):
            self.told = line.strip()[-200:]
