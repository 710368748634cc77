"""The default executor: kernels run in this process, one after the other."""

from collections.abc import Callable, Sequence

from pipeline.runtime.executor import Result, Task
from pipeline.runtime.progress import Progress


class InProcess:
    """Runs tasks in sequence; inside a kernel, Polars and NumPy use all cores."""

    name = "inprocess"

    def map(self, kernel: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        results, progress = [], Progress(len(tasks))
        for number, task in enumerate(tasks, start=1):
            results.append(kernel(task))
            progress.done(number)
        return results
