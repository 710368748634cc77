"""How many threads a task may start: tasks that run side by side share a machine's cores."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_beside: ContextVar[int] = ContextVar("tasks side by side", default=1)


@contextmanager
def side_by_side(n_tasks: int) -> Iterator[None]:
    """In a worker: the block is one of `n_tasks` tasks that may run at the same time on this machine."""
    token = _beside.set(max(1, n_tasks))
    try:
        yield
    finally:
        _beside.reset(token)


def threads_for_task() -> int:
    """A task's share of the cores that this process may use, at least 1. What it computes must not depend on it."""
    return max(1, len(os.sched_getaffinity(0)) // _beside.get())
