"""Measure the cost of a block of work over all processes that take part."""

import os
import resource
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import psutil

from pipeline.metrics.cost import Cost
from pipeline.runtime.energy import counted_kwh, power_model, start_counter

SAMPLE_SECONDS = 0.02
_RELIST_SHARE = 0.02
"""Listing a machine's processes takes milliseconds; it may take this share of the elapsed time."""


class CostMeter:
    """Measures the cost of a `with` block.

        with CostMeter() as meter:
            model.fit(…)
        meter.cost(model_bytes=…)

    CPU time is the difference between end and start of the block, summed over the living processes under the roots and
    their finished children, minus the meter's own. Memory is the peak of the summed resident sizes over the tree,
    sampled every 20 ms. It is absolute: it includes the interpreter and everything loaded before the block, and shared
    pages count once per process. Peaks of this process between samples, or while a library holds the interpreter lock,
    are taken from the kernel's high-water mark if it rose during the block.
    """

    def __init__(self, roots: Sequence[int] = (), *, extra_pids: Sequence[int] = ()) -> None:
        """Args:
        roots: ids of the processes whose trees are measured; this process by default.
        extra_pids: ids of further roots, such as a Spark Connect server.
        """
        self._roots = tuple(dict.fromkeys((*(roots or (os.getpid(),)), *extra_pids)))
        self._stop = threading.Event()
        self._peak = 0
        self._own_seconds = 0.0
        self._cost: Cost | None = None

    def __enter__(self) -> Self:
        self._power = power_model()  # found before the clock starts
        self._counter = start_counter() if self._power.provenance == "measured" else None
        self._high_water = _high_water_bytes()
        self._machine = _machine_busy_seconds()
        self._sampler = threading.Thread(target=self._sample, name="cost-meter", daemon=True)
        self._cpu = _cpu_seconds(_tree(self._roots))
        self._wall = time.perf_counter()
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall = time.perf_counter() - self._wall
        self._stop.set()
        self._sampler.join()
        here = os.getpid() in self._roots
        own = self._own_seconds if here else 0.0
        cpu = max(0.0, _cpu_seconds(_tree(self._roots)) - self._cpu - own)
        if self._counter is None:
            energy = self._power.energy_kwh(cpu)
        else:
            busy = max(_machine_busy_seconds() - self._machine, cpu)
            energy = counted_kwh(self._counter, seconds=wall, share=cpu / busy if busy > 0 else 0.0)
        risen = _high_water_bytes()
        if here and risen > self._high_water:
            self._peak = max(self._peak, risen)
        self._cost = Cost(
            cpu_seconds=cpu,
            wall_seconds=wall,
            peak_rss_bytes=self._peak or None,
            energy_kwh=energy,
            energy_provenance=self._power.provenance,
        )

    def cost(self, *, model_bytes: int | None = None, n_scored: int | None = None) -> Cost:
        """Return the cost of the block; call it after the block has ended.

        Args:
            model_bytes: size of the fitted model [B]; None if the block fitted none.
            n_scored: number of listeners scored; None if the block scored none.
        """
        assert self._cost is not None, "the block has not ended"
        cost = self._cost
        speed = n_scored / cost.wall_seconds if n_scored is not None and cost.wall_seconds > 0 else float("nan")
        return Cost(
            cpu_seconds=cost.cpu_seconds,
            wall_seconds=cost.wall_seconds,
            peak_rss_bytes=cost.peak_rss_bytes,
            model_bytes=model_bytes,
            energy_kwh=cost.energy_kwh,
            energy_provenance=cost.energy_provenance,
            n_scored=n_scored,
            scored_per_second=speed,
        )

    def _sample(self) -> None:
        processes: list[psutil.Process] = []
        relist_at = 0.0
        while True:
            now = time.perf_counter()
            if now >= relist_at:
                processes = _tree(self._roots)
                relist_at = now + max(SAMPLE_SECONDS, (time.perf_counter() - now) / _RELIST_SHARE)
            self._peak = max(self._peak, sum(_rss_bytes(process) for process in processes))
            if self._stop.wait(SAMPLE_SECONDS):
                break
        self._own_seconds = time.thread_time()


def _tree(roots: Sequence[int]) -> list[psutil.Process]:
    """Return the living roots and all their descendants, each once."""
    found: dict[int, psutil.Process] = {}
    for pid in roots:
        try:
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                found.setdefault(process.pid, process)
        except psutil.Error:  # gone meanwhile
            continue
    return list(found.values())


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return user and system time [s] of the processes, including finished children that were waited for."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        # The kernel reports other processes in ticks of 10 ms; this process's own clock resolves nanoseconds.
        total += time.process_time() if process.pid == os.getpid() else times.user + times.system
        total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def _rss_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _high_water_bytes() -> int:
    """Return the peak resident size [B] of this process since it started."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _machine_busy_seconds() -> float:
    """Return the CPU time [s] of all processes since the machine booted."""
    times = psutil.cpu_times()
    return float(sum(times)) - times.idle - float(getattr(times, "iowait", 0.0))
