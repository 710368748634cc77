"""One kernel, two executors: work is written once and run in this process or as Spark tasks."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

Task = TypeVar("Task")
Result = dict[str, Any]
"""What a kernel reports: small and JSON-able. Large results go to files that the kernel writes atomically."""


class Executor(Protocol):
    """Kernels are functions of an importable module; tasks are small frozen dataclasses (paths, dates, numbers).

    A task may run twice (a lost worker, speculation): a kernel that writes, writes the same bytes, atomically.
    """

    name: str

    def map(self, kernel: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        """`kernel` over every task; results in the order of the tasks."""
        ...
