"""The lease of a night: a fencing token that only grows, so that a night that was overtaken cannot act on the world.

Each night that opens enters a row with the next token; the highest is the lease in force. A lock that dies with its
process cannot span a night of Airflow, which is many processes; a token that each of them compares can. It is compared
once more in the transaction that holds off new leases while CURRENT is swapped. See ADRs 0012 and 0016.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import NetgainError
from pipeline.state.location import Where

if TYPE_CHECKING:
    import sqlalchemy as sa

_KEPT = 100
_BEAT_SECONDS = 5.0


class LeaseLost(NetgainError):
    """A later night has taken over: what this process would still write is not wanted."""


@dataclass(frozen=True)
class Lease:
    """A night's right to act on the world.

    Attributes:
        token: the fencing token; a later lease has a higher one.
        as_of: the night, YYYY-MM-DD.
        owner: what the processes of a night have in common (NETGAIN_OWNER, a run of Airflow); None for a night that is
            one process, or that a person goes through by hand.
        pid, host, started: the process that made it, and when that process began [ticks since boot].
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


def acquire(where: Where, *, as_of: str, owner: str | None) -> tuple[Lease, Lease | None]:
    """Take the next token; all earlier leases become void.

    Returns:
        The lease, and the one before it if its night did not end.
    """
    import sqlalchemy as sa

    from pipeline.state.database import writing
    from pipeline.state.schema import LEASES

    pid = os.getpid()
    with writing(where) as connection:
        before = _last(connection)
        token = before.token + 1 if before is not None else 1
        lease = Lease(token, as_of, owner, pid, socket.gethostname(), _started(pid) or 0)
        connection.execute(sa.insert(LEASES).values(**asdict(lease), beat_at=time.time()))
        connection.execute(sa.delete(LEASES).where(LEASES.c.token <= token - _KEPT))
    return lease, before if before is not None and before.ended is None else None


def in_force(where: Where) -> Lease | None:
    """Return the lease with the highest token; None before the first night."""
    from pipeline.state.database import reading

    with reading(where) as connection:
        return _last(connection)


@contextmanager
def held(where: Where, lease: Lease | None) -> Iterator[None]:
    """Keep a lease in force while the block runs: no other lease can be made.

    The block must not write state.

    Args:
        where: the store.
        lease: what the process holds; None if no night was ever opened under a lease.

    Raises:
        LeaseLost: a later night was opened.
    """
    from pipeline.state.database import writing

    with writing(where) as connection:
        _require(connection, lease)
        yield


def close(where: Where, lease: Lease | None, how: str) -> None:
    """Record how a night ended, unless a later one was opened."""
    import sqlalchemy as sa

    from pipeline.state.database import writing
    from pipeline.state.schema import LEASES

    if lease is not None:
        with contextlib.suppress(LeaseLost), writing(where) as connection:
            _require(connection, lease)
            connection.execute(sa.update(LEASES).where(LEASES.c.token == lease.token).values(ended=how))


def beat(where: Where, lease: Lease) -> None:
    """Record that a process of the night is alive. A heartbeat that fails is left out."""
    import sqlalchemy as sa

    from pipeline.state.database import writing
    from pipeline.state.schema import LEASES

    with contextlib.suppress(NetgainError, OSError), writing(where) as connection:
        connection.execute(sa.update(LEASES).where(LEASES.c.token == lease.token).values(beat_at=time.time()))


@contextmanager
def beating(where: Where, lease: Lease | None) -> Iterator[None]:
    """Send heartbeats from a thread for the length of the block."""
    ended = threading.Event()

    def beats() -> None:
        while lease is not None and not ended.wait(_BEAT_SECONDS):
            beat(where, lease)

    thread = threading.Thread(target=beats, name="netgain-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def idle_seconds(where: Where, lease: Lease) -> float:
    """Return how long ago the night's last heartbeat was [s]; 0 if the clock was put back, infinity if unknown."""
    import sqlalchemy as sa

    from pipeline.state.database import reading
    from pipeline.state.schema import LEASES

    with reading(where) as connection:
        at = connection.execute(sa.select(LEASES.c.beat_at).where(LEASES.c.token == lease.token)).scalar()
    return float("inf") if at is None else max(0.0, time.time() - at)


def is_alive(lease: Lease) -> bool | None:
    """Return whether the process that made the lease still runs; None if it ran on another machine.

    A later process with the same number has another start time.
    """
    if lease.host != socket.gethostname():
        return None
    return _started(lease.pid) == lease.started


def _started(pid: int) -> int | None:
    """Return when a process began [ticks since boot]; None if there is no such process (proc_pid_stat(5), field 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def _last(connection: "sa.Connection") -> Lease | None:
    import sqlalchemy as sa

    from pipeline.state.schema import LEASES

    columns: list[sa.ColumnElement[Any]] = [c for c in LEASES.c if c.name != "beat_at"]
    row = connection.execute(sa.select(*columns).order_by(LEASES.c.token.desc()).limit(1)).mappings().first()
    return None if row is None else Lease(**row)


def _require(connection: "sa.Connection", lease: Lease | None) -> None:
    """Raises LeaseLost unless the lease is in force. Processes are compared too: a restored backup repeats tokens."""
    now = _last(connection)
    if _identity(now) != _identity(lease):
        raise LeaseLost(
            f"{lease or 'a night without a lease'} was overtaken by {now or 'a state without leases'}",
            expected="the last night that was opened",
            fix="Nothing was written. Let the later night end, then open this one again if it is wanted.",
        )


def _identity(lease: Lease | None) -> tuple[object, ...] | None:
    return None if lease is None else (lease.token, lease.host, lease.pid, lease.started)
