"""Run a kernel over tasks, with results kept in a cache on disk."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pipeline.runtime.executor import Executor
from pipeline.storage.cache import Cache, Result

_log = logging.getLogger(__name__)


class Keyed(Protocol):
    """A task whose `key` identifies its inputs: equal keys mean equal results."""

    @property
    def key(self) -> str: ...


Task = TypeVar("Task", bound=Keyed)


def cached_map(
    tasks: Sequence[Task], cache: Cache, kernel: Callable[[Task], Result], executor: Executor
) -> list[Result]:
    """Return each task's result, in task order; `kernel` runs only for tasks that are not in the cache.

    Args:
        tasks: the tasks.
        cache: where results are looked up by `task.key`.
        kernel: computes one task and writes its result to the same cache.
        executor: runs the kernel.
    """
    found = {task.key: cache.find(task.key) for task in tasks}
    todo = [task for task in tasks if found[task.key] is None]
    _log.info("%s: %d of %d are new", cache.folder.name, len(todo), len(tasks))
    found |= dict(zip((task.key for task in todo), executor.map(kernel, todo), strict=True))
    return [found[task.key] or {} for task in tasks]
