"""One kernel, two executors: work is written once and run in this process or as Spark tasks."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import pyarrow as pa

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

    def shuffle(
        self,
        mapper: Callable[[Task], pa.Table],
        tasks: Sequence[Task],
        *,
        key: str,
        schema: pa.Schema,
        reducer: Callable[[pa.Table], Result],
    ) -> list[Result]:
        """`mapper` over every task, its rows (of `schema`) brought together by the string column `key`, `reducer` over
        the rows of each key.

        The order of rows within a key is not defined: a reducer sorts. Results in the order of the keys.
        """
        ...
