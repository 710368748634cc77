"""One line of JSON for each request, without ids, addresses or anything else that the client sent."""

import sys
import time

from pipeline.serving.http import Answer


class RequestLog:
    """Lines are collected and written together, four times a second."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._lines: list[str] = []

    def add(self, route: str, answer: Answer, seconds: float) -> None:
        """Note a request."""
        if self._enabled:
            self._lines.append(
                f'{{"at_ms":{int(time.time() * 1000)},"route":"{route}","status":{answer.status},'
                f'"lane":"{answer.lane}","release":"{answer.release}","us":{int(seconds * 1e6)}}}\n'
            )

    def flush(self) -> None:
        """Write what was noted."""
        lines, self._lines = self._lines, []
        if lines:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()
