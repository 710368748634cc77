"""The embedded default: kernels run in this process, one after the other."""

from collections.abc import Callable, Sequence

from pipeline.runtime.executor import Result, Task


class InProcess:
    """Polars and NumPy use the machine's cores inside a kernel, so tasks need no processes of their own."""

    name = "inprocess"

    def map(self, kernel: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        return [kernel(task) for task in tasks]
