"""Rate limits: a bucket of tokens for each client."""

import time

_BURST_SECONDS = 2.0
_MOST_CLIENTS = 20_000


class Throttle:
    """Limits each client to a number of requests a second, with bursts of two seconds' worth."""

    def __init__(self, rate: float) -> None:
        """Args:
        rate: requests a second of one client; 0 for no limit.
        """
        self._rate, self._burst = rate, max(rate * _BURST_SECONDS, 1.0)
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, client: str) -> float:
        """Take a token; return 0, or how long the client must wait for one [s]."""
        if not self._rate:
            return 0.0
        now = time.monotonic()
        tokens, then = self._buckets.get(client, (self._burst, now))
        tokens = min(tokens + (now - then) * self._rate, self._burst)
        if tokens < 1:
            return (1 - tokens) / self._rate
        if client not in self._buckets and len(self._buckets) >= _MOST_CLIENTS:
            self._buckets.clear()  # a full bucket for all of them is better than memory without bound
        self._buckets[client] = tokens - 1, now
        return 0.0
