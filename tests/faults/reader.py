"""A reader that never stops: a process that opens what CURRENT names and reads every byte of it, again and again."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ReleaseError
from pipeline.releases.release import current, verify


@dataclass
class Reads:
    """How often it read, and what was wrong with a read, one line each; both are known at the end."""

    reads: int = 0
    torn: tuple[str, ...] = ()


@contextlib.contextmanager
def polled(root: Path) -> Iterator[Reads]:
    """Have a release folder read for the length of the block. Before its first release nothing counts as torn."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.reader", str(root)],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = Reads()
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        yield found
    finally:
        told = json.loads(process.communicate()[0])
        found.reads, found.torn = told["reads"], tuple(told["torn"])


def poll(root: Path) -> None:
    """Read until stdin is closed, then tell."""
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    print("reading", flush=True)
    reads, torn, served = 0, [], (root / "CURRENT").exists()
    while not over.wait(0.01):
        try:
            release = current(root)
            verify(release)
            assert release.lists.stat().st_size
            reads, served = reads + 1, True
        except (ReleaseError, OSError, AssertionError) as err:
            if served:
                torn.append(str(err))
    print(json.dumps({"reads": reads, "torn": torn}))


if __name__ == "__main__":
    poll(Path(sys.argv[1]))
