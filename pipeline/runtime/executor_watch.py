"""Ends the work of a session whose cluster has lost every executor: Spark itself would wait for new ones for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import SparkLost
from pipeline.runtime.executors_alive import ExecutorLog
from pipeline.settings import Settings

_EVERY_SECONDS = 2.0


@contextmanager
def watched(cancel: Callable[[], object], settings: Settings, log: Path) -> Iterator[None]:
    """Cancel the jobs of the block when there has been no executor for `spark_wait_seconds`.

    Args:
        cancel: cancels all jobs of the session.
        settings: of this machine.
        log: the driver's, of level INFO.

    Raises:
        SparkLost: jobs were cancelled, and the block failed with them.
    """
    done, lost = threading.Event(), threading.Event()

    def watch() -> None:
        executors, since = ExecutorLog(log), time.monotonic()
        while not done.wait(_EVERY_SECONDS):
            executors.read_on()
            if executors.alive:
                since = time.monotonic()
            elif time.monotonic() - since > settings.spark_wait_seconds:
                lost.set()
                cancel()

    thread = threading.Thread(target=watch, daemon=True, name="netgain-executors")
    thread.start()
    try:
        yield
    except Exception as err:
        if not lost.is_set():
            raise
        raise SparkLost(
            f"the cluster had no executor for {settings.spark_wait_seconds:.0f} s",
            expected="executors that outlive the work",
            fix="See its workers and the quotas; then run it again.",
        ) from err
    finally:
        done.set()
