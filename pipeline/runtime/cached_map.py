"""Kernels over the tasks that have not been done before."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pipeline.runtime.executor import Executor
from pipeline.storage.cache import Cache, Result

_log = logging.getLogger(__name__)


class Keyed(Protocol):
    """A task that names what it is made from."""

    @property
    def key(self) -> str: ...


Task = TypeVar("Task", bound=Keyed)


def cached_map(
    tasks: Sequence[Task], cache: Cache, kernel: Callable[[Task], Result], executor: Executor
) -> list[Result]:
    """What each task comes to, in their order; `kernel`, which keeps its result, runs for those that are not kept."""
    found = {task.key: cache.find(task.key) for task in tasks}
    todo = [task for task in tasks if found[task.key] is None]
    _log.info("%s: %d of %d are new", cache.folder.name, len(todo), len(tasks))
    found |= dict(zip((task.key for task in todo), executor.map(kernel, todo), strict=True))
    return [found[task.key] or {} for task in tasks]
