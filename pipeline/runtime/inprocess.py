"""The default executor: kernels run in this process, one after the other."""

from collections.abc import Callable, Sequence

from pipeline.runtime.executor import Result, Task


class InProcess:
    """Runs tasks in sequence; inside a kernel, Polars and NumPy use all cores."""

    name = "inprocess"

    def map(self, kernel: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        return [kernel(task) for task in tasks]
