"""Which executor runs what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pipeline.runtime.executor import Executor
from pipeline.runtime.inprocess import InProcess
from pipeline.settings import Settings

Work = Literal["logs", "fits"]


@contextmanager
def executor_for(work: Work, settings: Settings, *, session: bool = False) -> Iterator[Executor]:
    """An executor for one kind of work; a Spark session, where it needs one, is active until the block ends.

    Args:
        session: the work drives a Spark session itself, so there is one even where tasks run in process.

    With NETGAIN_ENGINE=auto, work on logs runs in process, because Spark costs several times the CPU on one machine
    (docs/adr/0002), and fits run in Spark.
    """
    from pipeline.runtime.spark_session import spark_session

    if settings.engine == "inprocess" or (settings.engine == "auto" and work == "logs"):
        if session:
            with spark_session(settings):
                yield InProcess()
        else:
            yield InProcess()
        return
    from pipeline.runtime.spark_tasks import SparkTasks

    with spark_session(settings, for_tasks=not session) as active:
        yield SparkTasks(active)
