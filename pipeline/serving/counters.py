"""Counts of requests, shared by all workers through one small file a worker, and shown as Prometheus metrics.

prometheus-client's own multi-process mode costs a tenth of a request; adding to a mapped number costs a hundredth.
"""

import mmap
import os
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

ROUTES = (
    "recommendations", "favourites", "plain", "newcomers", "events", "impressions", "release", "health", "ready",
    "metrics", "openapi", "page", "none",
)  # fmt: skip
STATUSES = (200, 202, 400, 401, 404, 405, 408, 413, 415, 429, 500, 503)
LANES = ("", "own", "fallback", "folded")
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds of the latency histogram [s]."""
EVENTS = ("accepted", "refused", "erased", "impressions", "impressions_lost", "rollovers", "damaged")

_CELL = len(BOUNDS) + 2
"""A count for each bound and beyond, and the sum [µs]."""
_N = len(ROUTES) * len(STATUSES) * len(LANES)
_ROUTE = {name: i for i, name in enumerate(ROUTES)}
_STATUS = {status: i for i, status in enumerate(STATUSES)}
_LANE = {lane: i for i, lane in enumerate(LANES)}
_EVENT = {name: _N * _CELL + i for i, name in enumerate(EVENTS)}


class Counters:
    """The counts of one worker."""

    def __init__(self, folder: Path) -> None:
        """Make the worker's file in a folder that all workers share."""
        self._folder = folder
        size = 8 * (_N * _CELL + len(EVENTS))
        with (folder / f"{os.getpid()}.counts").open("w+b") as file:
            file.truncate(size)
            self._cells = memoryview(mmap.mmap(file.fileno(), size)).cast("Q")

    def request(self, route: str, status: int, lane: str, seconds: float) -> None:
        """Count a request."""
        cell = ((_ROUTE[route] * len(STATUSES) + _STATUS.get(status, 10)) * len(LANES) + _LANE[lane]) * _CELL
        cells = self._cells
        cells[cell + bisect_left(BOUNDS, seconds)] += 1
        cells[cell + _CELL - 1] += int(seconds * 1e6)

    def add(self, event: str, n: int = 1) -> None:
        """Count something else, one of EVENTS."""
        self._cells[_EVENT[event]] += n

    def put(self, event: str, n: int) -> None:
        """Set a count that another part keeps."""
        self._cells[_EVENT[event]] = n

    def text(self, gauges: Mapping[str, tuple[float, Mapping[str, str]]]) -> bytes:
        """Return the metrics of all workers in Prometheus's text format.

        Args:
            gauges: by name, a value and its labels.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(self._sum(), gauges))
        return generate_latest(registry)

    def _sum(self) -> list[int]:
        """Return the sums over all workers, those that ended included, so that no count ever falls."""
        total = [0] * len(self._cells)
        for path in self._folder.glob("*.counts"):
            data = path.read_bytes()
            if len(data) == 8 * len(total):
                total = [a + b for a, b in zip(total, memoryview(data).cast("Q"), strict=True)]
        return total


class _Collected:
    def __init__(self, cells: Sequence[int], gauges: Mapping[str, tuple[float, Mapping[str, str]]]) -> None:
        self._cells, self._gauges = cells, gauges

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "netgain_requests", "Requests, by what was answered", labels=("route", "status", "lane")
        )
        seconds = HistogramMetricFamily("netgain_request_seconds", "Time to answer [s]", labels=("route",))
        at = 0
        for route in ROUTES:
            counts, total = [0] * (len(BOUNDS) + 1), 0
            for status in STATUSES:
                for lane in LANES:
                    cell = self._cells[at : at + _CELL]
                    at += _CELL
                    if n := sum(cell[:-1]):
                        requests.add_metric((route, str(status), lane), n)
                        counts = [a + b for a, b in zip(counts, cell, strict=False)]
                        total += cell[-1]
            if any(counts):
                ends = [*map(str, BOUNDS), "+Inf"]
                summed = [sum(counts[: i + 1]) for i in range(len(counts))]
                seconds.add_metric((route,), list(zip(ends, summed, strict=True)), total / 1e6)
        yield requests
        yield seconds
        events = CounterMetricFamily("netgain_events", "Events and what became of them", labels=("what",))
        for name, place in _EVENT.items():
            events.add_metric((name,), self._cells[place])
        yield events
        for name, (value, labels) in self._gauges.items():
            gauge = GaugeMetricFamily(f"netgain_{name}", name.replace("_", " "), labels=tuple(labels))
            gauge.add_metric(tuple(labels.values()), value)
            yield gauge


def age(since: float) -> float:
    """Return the seconds since a time [s since 1970]."""
    return max(time.time() - since, 0.0)
