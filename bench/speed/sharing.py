"""Compares parallel tasks that each use as many scoring threads as cores with tasks that share the cores."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.speed.alone import alone

WORK = {"n_listeners": 8_192, "n_items": 48_123, "factors": 64, "repeats": 2}


def compare_sharing(rounds: int) -> list[dict[str, Any]]:
    """As many tasks as cores, side by side: the least over rounds of the slowest task, and of their CPU seconds."""
    n = len(os.sched_getaffinity(0))
    found: dict[int, list[list[dict[str, Any]]]] = {1: [], n: []}
    for _ in range(rounds):
        for beside, runs in found.items():
            with ThreadPoolExecutor(n) as pool:
                tasks = [pool.submit(alone, "bench.speed.topk:lists_work", beside=beside, **WORK) for _ in range(n)]
                runs.append([task.result() for task in tasks])
    return [
        {
            "tasks": n,
            "threads_each": n // beside,
            "wall_seconds": min(max(task["wall_seconds"] for task in run) for run in runs),
            "cpu_seconds": min(sum(task["cpu_seconds"] for task in run) for run in runs),
        }
        for beside, runs in found.items()
    ]
