"""The lease of a night: a number that only grows, so that whoever works for an earlier night is turned away.

Each night that opens makes `ledger/leases/<number>.json` by a hard link, which fails where the number is taken; the
highest is the lease in force. A lock that dies with its process cannot span a night of Airflow, which is many
processes; a number that each of them compares can. What a process holds is compared again, under the lock that a new
lease is made under, at the instant that CURRENT is swapped. See ADR 0012.
"""

import contextlib
import fcntl
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import NetgainError
from pipeline.storage.orphans import PREFIX
from pipeline.storage.tables import sync_folder, write_json

FOLDER = "leases"
_KEPT = 100


class LeaseLost(NetgainError):
    """A later night has taken over: what this process would still write is not wanted."""


@dataclass(frozen=True)
class Lease:
    """A night's right to act on the world.

    Attributes:
        token: the fencing token; a later lease has a higher one.
        as_of: the night, YYYY-MM-DD.
        owner: of a night that is many processes, what they have in common (NETGAIN_OWNER, a run of Airflow); None for a
            night that is one process, or that a person goes through by hand.
        pid, host, started: the process that made it, and when that began [ticks since boot].
        ended: how the night ended; None while it has not.
    """

    token: int
    as_of: str
    owner: str | None
    pid: int
    host: str
    started: int
    ended: str | None = None

    def __str__(self) -> str:
        who = f"{self.owner}, " if self.owner else ""
        return f"the night of {self.as_of} (lease {self.token}: {who}process {self.pid} on {self.host})"


def acquire(ledger: Path, *, as_of: str, owner: str | None) -> tuple[Lease, Lease | None]:
    """Take the next number; every earlier lease is void from here on.

    Returns:
        The lease, and the one before it if its night did not end.
    """
    with _locked(ledger):
        before = in_force(ledger)
        number = max(_numbers(ledger), default=0) + 1
        pid = os.getpid()
        lease = Lease(number, as_of, owner, pid, socket.gethostname(), _started(pid) or 0)
        _create(_path(ledger, number), lease)
        for old in _numbers(ledger)[:-_KEPT]:
            _path(ledger, old).unlink(missing_ok=True)
    return lease, before if before is not None and before.ended is None else None


def in_force(ledger: Path) -> Lease | None:
    """The lease with the highest number; None before the first night. One that cannot be read still has its number."""
    number = max(_numbers(ledger), default=None)
    if number is None:
        return None
    try:
        lease = Lease(**json.loads(_path(ledger, number).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Lease(number, "an unknown date", None, 0, "an unknown machine", 0)
    return lease if lease.token == number else Lease(number, lease.as_of, None, 0, lease.host, 0)


@contextmanager
def held(ledger: Path, lease: Lease | None) -> Iterator[None]:
    """No other lease is made for the length of the block, and this one is the last.

    Args:
        ledger: the ledger's folder.
        lease: what the process holds; None where no night was ever opened under a lease.

    Raises:
        LeaseLost: a later night was opened.
    """
    with _locked(ledger):
        now = in_force(ledger)
        if (now and now.token) != (lease and lease.token):
            raise LeaseLost(
                f"{lease or 'a night without a lease'} was overtaken by {now}",
                expected="the last night that was opened",
                fix="Nothing was written. Let the later night end, then open this one again if it is wanted.",
            )
        yield


def close(ledger: Path, lease: Lease | None, how: str) -> None:
    """Say that a night ended, if it is the last that was opened."""
    if lease is not None:
        with contextlib.suppress(LeaseLost), held(ledger, lease):
            write_json(_path(ledger, lease.token), asdict(lease) | {"ended": how})


def beat(ledger: Path, lease: Lease | None) -> None:
    """Say that a process of the night is alive."""
    if lease is not None:
        with contextlib.suppress(OSError):
            os.utime(_path(ledger, lease.token))


def idle_seconds(ledger: Path, lease: Lease) -> float:
    """Since a process of the night last said that it is alive [s]; a clock that was put back counts as no time."""
    try:
        return max(0.0, time.time() - _path(ledger, lease.token).stat().st_mtime)
    except OSError:
        return float("inf")


def is_alive(lease: Lease) -> bool | None:
    """Whether the process that made it runs still; None on another machine. A number that was given to another process
    since is told apart by when it began."""
    if lease.host != socket.gethostname():
        return None
    return _started(lease.pid) == lease.started


def _started(pid: int) -> int | None:
    """When a process began [ticks since boot]; None where there is none (proc_pid_stat(5), field 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def _numbers(ledger: Path) -> list[int]:
    return sorted(int(path.stem) for path in (ledger / FOLDER).glob("*.json") if path.stem.isdigit())


def _path(ledger: Path, number: int) -> Path:
    return ledger / FOLDER / f"{number:08d}.json"


def _create(path: Path, lease: Lease) -> None:
    """A file that appears whole, durable, and only if there is none of its name."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=PREFIX, encoding="utf-8") as file:
        json.dump(asdict(lease), file, indent=2, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
        os.link(file.name, path)
    sync_folder(path.parent)


@contextmanager
def _locked(ledger: Path) -> Iterator[None]:
    (ledger / FOLDER).mkdir(parents=True, exist_ok=True)
    with (ledger / FOLDER / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
