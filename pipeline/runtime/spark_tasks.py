"""Kernels as Spark tasks; only the DataFrame API, so that classic sessions and Spark Connect run the same code."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline import errors
from pipeline.runtime.executor import Result, Task
from pipeline.runtime.threads import side_by_side

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_RESULT = "key string, result string"
_TOLD = re.compile(r'netgain-error (\{"kind".*\})')


class SparkTasks:
    """Runs each task as a partition of one row, the task's number, with `mapInArrow`.

    No rows are shuffled: kernels pass data to each other through files on storage that all workers share.
    """

    name = "spark"

    def __init__(self, session: "SparkSession") -> None:
        self._session = session

    def map(self, kernel: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        if not tasks:
            return []
        todo = tuple(tasks)

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for number in _numbers(batches):
                with _telling(), side_by_side(len(todo)):
                    result = kernel(todo[number])
                yield pa.RecordBatch.from_pylist([{"key": f"{number:09d}", "result": json.dumps(result)}])

        return _collect(self._numbered(len(todo)).mapInArrow(run, _RESULT))

    def _numbered(self, n: int) -> "DataFrame":
        return self._session.range(0, n, 1, n)


def _numbers(batches: Iterator[pa.RecordBatch]) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


@contextmanager
def _telling() -> Iterator[None]:
    """In a worker: raise a `NetgainError` of the block as JSON text, because Spark passes on only an error's text.

    `_collect` restores the error in the driver.

    Raises:
        RuntimeError: the block raised a `NetgainError`.
    """
    try:
        yield
    except errors.NetgainError as err:
        parts = {"kind": type(err).__name__, "found": err.found, "expected": err.expected, "fix": err.fix}
        raise RuntimeError(f"netgain-error {json.dumps(parts)}") from err


def _interrupted(err: BaseException) -> bool:
    """Return whether an error was raised while handling Ctrl-C: Spark reports the job that it cancels as failed."""
    context = err.__context__
    return context is not None and (isinstance(context, KeyboardInterrupt) or _interrupted(context))


def _collect(frame: "DataFrame") -> list[Result]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        table = frame.toArrow()
    except (PySparkException, Py4JError) as err:
        if _interrupted(err):
            raise KeyboardInterrupt from None
        told = _TOLD.search(str(err))
        if told is None:
            raise
        parts = json.loads(told.group(1))
        raise getattr(errors, parts.pop("kind"), errors.NetgainError)(parts.pop("found"), **parts) from err
    rows = sorted(zip(table["key"].to_pylist(), table["result"].to_pylist(), strict=True))
    return [json.loads(result) for _, result in rows]
