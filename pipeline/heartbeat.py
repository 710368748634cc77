"""A thread that says something while a program is at work and nothing else is said."""

import threading
import time
from collections.abc import Callable


class Heartbeat:
    """Calls `beat` with the seconds since the last `said`, whenever that many seconds have passed in silence.

    Args:
        beat: called in a thread of its own.
        every: the length of a silence [s].
    """

    def __init__(self, beat: Callable[[float], None], *, every: float) -> None:
        self._beat, self._every = beat, every
        self._ended = threading.Event()
        self._since = self._last = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="netgain-progress", daemon=True)

    def said(self) -> None:
        """Note that something was said, from which silence counts."""
        self._since = self._last = time.monotonic()

    def _run(self) -> None:
        while not self._ended.wait(self._every / 10):
            now = time.monotonic()
            if now - self._last >= self._every:
                self._last = now
                self._beat(now - self._since)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
