"""A look at a cluster before work is sent to it, so that what is missing is one line within half a minute."""

import functools
import json
import os
import platform
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.errors import SettingsError, SparkLost
from pipeline.runtime.cluster import driver_host
from pipeline.runtime.executors_alive import ExecutorLog
from pipeline.runtime.package_digest import package_digest
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_TASKS = 16
"""More than a small cluster has executors, so that each gets one; they wait a moment for the same reason."""


def check_cluster(session: "SparkSession", settings: Settings, log: Path) -> None:
    """Run a small job on the executors, and compare what they are with this process.

    Args:
        session: on a cluster.
        settings: `spark_wait_seconds` is the limit of the whole check.
        log: the driver's, of level INFO.

    Raises:
        SettingsError: workers have no Python, no Netgain, other versions, or do not see the workspace.
        SparkLost: no executor answered in time.
    """
    mark = settings.workspace / ".netgain" / f"shared-{secrets.token_hex(8)}"
    mark.write_text("seen by the driver", encoding="utf-8")
    try:
        for worker in _asked(session, settings, log, mark):
            _compare(worker, settings)
    finally:
        for path in mark.parent.glob(f"{mark.name}*"):
            path.unlink(missing_ok=True)


def _asked(session: "SparkSession", settings: Settings, log: Path, mark: Path) -> list[dict[str, Any]]:
    """Return what workers say of themselves. The job runs in a thread: a cluster without executors lets it wait."""
    answers: list[dict[str, Any]] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            frame = session.range(0, _TASKS, 1, _TASKS).mapInArrow(
                functools.partial(describe, str(mark)), "told string"
            )
            answers.extend(json.loads(text) for text in frame.toArrow()["told"].to_pylist())
        except Exception as err:  # noqa: BLE001  # it is raised again, or named, by the thread that waits
            failed.append(err)

    thread = threading.Thread(target=ask, daemon=True, name="netgain-preflight")
    thread.start()
    executors, until = ExecutorLog(log), time.monotonic() + settings.spark_wait_seconds
    while thread.is_alive() and time.monotonic() < until:
        thread.join(0.2)
        executors.read_on()
        if executors.ended >= 3 and not executors.alive:
            break
    if failed:
        refused = executors.told and not executors.granted
        raise _nobody(executors, settings) if refused else _named(failed[0], settings)
    if not answers:
        raise _nobody(executors, settings)
    return answers


def describe(mark: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield what this worker is, as JSON, and leave a file beside the driver's mark."""
    for batch in batches:
        time.sleep(0.2)
        path, host = Path(mark), socket.gethostname()
        sees = path.is_file()
        if sees:
            path.with_name(f"{path.name}-{host}-{os.getpid()}").touch()
        told = {"host": host, "python": platform.python_version(), "code": package_digest(), "sees": sees}
        yield pa.RecordBatch.from_pylist([{"told": json.dumps(told)}] * batch.num_rows)


def _compare(worker: dict[str, Any], settings: Settings) -> None:
    host = worker["host"]
    if worker["code"] != package_digest():
        raise SettingsError(
            f"the worker {host} has another version of Netgain",
            expected="the same code on all machines",
            fix="Install it there, or start the workers again; they keep modules that they have imported.",
        )
    if worker["python"] != platform.python_version():
        raise SettingsError(
            f"the worker {host} has Python {worker['python']}",
            expected=platform.python_version(),
            fix="Ship the environment: docs/how-to/scale.md.",
        )
    if not worker["sees"]:
        raise SettingsError(
            f"the worker {host} does not see {settings.workspace}",
            expected="a workspace on storage that all machines share, at the same path",
            fix="Mount it there: docs/how-to/scale.md.",
        )


def _named(err: Exception, settings: Settings) -> Exception:
    """Return the error to raise for a failed job: a line for the causes that configuration can remove."""
    text = " ".join(str(err).split())
    python = os.environ.get("PYSPARK_PYTHON", "python3")
    if re.search(r"Cannot run program|No such file or directory.*python|error=2,", text):
        found = f"workers have no Python at {python}"
    elif re.search(r"No module named '?(\w+)", text):
        missing = re.search(r"No module named '?(\w+)", text)
        found = f"workers have no module {missing[1] if missing else ''} in {python}"
    elif "PYTHON_VERSION_MISMATCH" in text or "different minor version" in text:
        found = "workers have another version of Python"
    else:
        return SparkLost(
            f"the cluster failed a job of {_TASKS} rows: {text[:200]}",
            expected="working executors",
            fix=f"Read {settings.workspace / '.netgain' / 'spark.log'}.",
        )
    return SettingsError(
        found,
        expected="the environment of this process on every worker",
        fix="Ship it, and name its interpreter in NETGAIN_SPARK_PYTHON: docs/how-to/scale.md.",
    )


def _nobody(executors: ExecutorLog, settings: Settings) -> SparkLost:
    where, limit = driver_host(settings), f"{settings.spark_wait_seconds:.0f} s"
    if executors.alive:
        found, fix = f"executors came up, but did not answer within {limit}", "See the logs of the workers."
    elif executors.granted:
        told = f" ({executors.told})" if executors.told else ""
        found = f"executors start but do not reach the driver at {where} or are refused by it{told}"
        fix = "Set NETGAIN_SPARK_DRIVER_HOST to an address that they can reach, and the same NETGAIN_SPARK_SECRET."
    elif executors.told:
        found, fix = f"the master did not accept this driver: {executors.told}", "Use the same Spark and secret there."
    else:
        found = f"the master gave no executor within {limit}"
        fix = "Start workers with free cores and memory, or set NETGAIN_SPARK_WAIT_SECONDS."
    return SparkLost(found, expected="executors on the cluster", fix=fix)
