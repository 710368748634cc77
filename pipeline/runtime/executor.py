"""The interface of executors: the same kernels run in this process or as Spark tasks."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

Task = TypeVar("Task")
Result = dict[str, Any]
"""A kernel's result: small and JSON-able. Large results go to files that the kernel writes atomically."""


class Executor(Protocol):
    """Runs a kernel over tasks.

    A kernel is a function of an importable module; a task is a small frozen dataclass (paths, dates, numbers). A task
    may run twice (lost worker, speculative execution), so a kernel must write the same bytes again, atomically.
    """

    name: str

    def map(self, kernel: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        """Return the kernel's result for each task, in task order."""
        ...
