"""What was injected and what became of it: the table at the end, and bench/results/faults.json."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results" / "faults.json"


def stage_killed(whom: str) -> str:
    """The fault of a stage that is killed: its process group ("group"), or only who started it ("parent")."""
    return f"stage killed, {'process group' if whom == 'group' else 'parent alone'}"


@dataclass
class Row:
    """Of one fault: how often it was injected, and how often the same command then came to the undisturbed content; how
    many reads readers made meanwhile, and how many found no whole release."""

    injections: int = 0
    recovered: int = 0
    reads: int = 0
    torn: int = 0


@dataclass
class Tally:
    """Attributes:
    rows: by fault, in the order in which they were injected.
    kills: how many of all injections were SIGKILLs.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    kills: int = 0

    def injected(self, fault: str, *, kill: bool = False) -> None:
        self.rows.setdefault(fault, Row()).injections += 1
        self.kills += kill

    def recovered(self, fault: str) -> None:
        self.rows[fault].recovered += 1

    def read(self, fault: str, *, reads: int, torn: int) -> None:
        row = self.rows.setdefault(fault, Row())
        row.reads += reads
        row.torn += torn

    def lines(self) -> list[str]:
        """The table."""
        width = max(map(len, self.rows), default=0)
        head = f"{'fault':{width}}  injections  recovered   reads  torn"
        body = [
            f"{fault:{width}}  {row.injections:10}  {row.recovered:9}  {row.reads:6}  {row.torn:4}"
            for fault, row in self.rows.items()
        ]
        return [head, *body, f"{self.kills} of {sum(row.injections for row in self.rows.values())} were SIGKILLs"]

    def as_json(self) -> dict[str, Any]:
        return {"kills": self.kills, "faults": {fault: asdict(row) for fault, row in self.rows.items()}}
