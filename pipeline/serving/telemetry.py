"""The writer of events: a thread that writes and syncs in groups, so that a sync is shared by all who wait for it."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.serving.segments import Segment, recover

MAX_PENDING_BYTES = 8 * 2**20
"""More events wait for the disk than this: further ones are refused, or, if they are impressions, counted as lost."""
_SYNC_SECONDS = 1.0
"""How old the oldest impression gets before it is synced; events that a client waits for are synced at once."""
_RECOVER_SECONDS = 30.0


class Busy(Exception):
    """The disk is full or does not keep up: the sender must try again later."""


@dataclass(frozen=True)
class Limits:
    """When a segment is closed.

    Attributes:
        bytes: as soon as it has as many bytes.
        seconds: as soon as it is as old [s].
    """

    bytes: int = 64 * 2**20
    seconds: float = 60.0


class EventLog:
    """Events of one process.

    Attributes:
        lost: impressions that could not be written since the start.
        synced: groups that were synced.
    """

    def __init__(self, landing: Path, limits: Limits) -> None:
        self._landing, self._limits = landing, limits
        self._lines: deque[tuple[bytes, Callable[[bool], None] | None]] = deque()
        self._n_added = self._n_done = 0  # each is written by one thread alone
        self._wake = threading.Event()
        self._stopped = self._rotate = False
        self.lost = self.synced = 0
        self._thread = threading.Thread(target=self._run, name="netgain-events", daemon=True)
        self._thread.start()

    def note(self, line: bytes) -> None:
        """Write an event within about a second; a failure is counted, but not reported to a client."""
        if self._n_added - self._n_done > MAX_PENDING_BYTES:
            self.lost += 1
            return
        self._n_added += len(line)
        self._lines.append((line, None))

    async def add(self, lines: bytes) -> None:
        """Write events and return when they are durable.

        Raises:
            Busy: they are not durable, and may be sent again.
        """
        if self._n_added - self._n_done > MAX_PENDING_BYTES or self._stopped:
            raise Busy
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()

        def tell(durable: bool) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the sender is gone
                loop.call_soon_threadsafe(_settle, done, durable)

        self._n_added += len(lines)
        self._lines.append((lines, tell))
        self._wake.set()
        if not await done:
            raise Busy

    def rotate(self) -> None:
        """Close the open segment soon, such as when a listener was erased who may be in it."""
        self._rotate = True
        self._wake.set()

    def close(self) -> None:
        """Write what waits, and move the segment into the landing folder."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        segment: Segment | None = None
        opened = looked = 0.0
        while True:
            self._wake.wait(_SYNC_SECONDS)
            self._wake.clear()
            now = time.monotonic()
            if now - looked > _RECOVER_SECONDS:
                looked = now
                with contextlib.suppress(OSError):
                    recover(self._landing)
            if group := self._take():
                segment, opened = self._write(segment, group, opened)
            if segment is not None and (
                self._stopped
                or self._rotate
                or segment.size >= self._limits.bytes
                or now - opened >= self._limits.seconds
            ):
                with contextlib.suppress(OSError):  # it stays in .events, and is moved by the next that looks
                    segment.close()
                segment, self._rotate = None, False
            if self._stopped and not self._lines:
                return

    def _take(self) -> list[tuple[bytes, Callable[[bool], None] | None]]:
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def _write(
        self, segment: Segment | None, group: list[tuple[bytes, Callable[[bool], None] | None]], opened: float
    ) -> tuple[Segment | None, float]:
        """Write a group and tell those who wait for it; return the segment and when it was opened."""
        data = b"".join(lines for lines, _ in group)
        try:
            if segment is None:
                segment, opened = Segment(self._landing), time.monotonic()
            segment.append(data, durable=True)
        except OSError:
            durable = False
            self.lost += sum(tell is None for _, tell in group)
        else:
            durable = True
            self.synced += 1
        self._n_done += len(data)
        for _, tell in group:
            if tell is not None:
                tell(durable)
        return segment, opened


def _settle(done: asyncio.Future[bool], durable: bool) -> None:
    if not done.done():  # the sender may have gone away
        done.set_result(durable)
