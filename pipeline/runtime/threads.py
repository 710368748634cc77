"""The number of threads that a task may start: tasks that run at the same time share a machine's cores."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_beside: ContextVar[int] = ContextVar("tasks side by side", default=1)


@contextmanager
def side_by_side(n_tasks: int) -> Iterator[None]:
    """In a worker: declare the block one of `n_tasks` tasks that may run at the same time on this machine."""
    token = _beside.set(max(1, n_tasks))
    try:
        yield
    finally:
        _beside.reset(token)


def threads_for_task() -> int:
    """Return a task's share of the cores that this process may use, at least 1; results must not depend on it."""
    return max(1, len(os.sched_getaffinity(0)) // _beside.get())
