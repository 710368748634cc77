"""Spark sessions: from a shared Connect server if one is announced, else in a JVM of this process."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pipeline.errors import NetgainError
from pipeline.runtime.cluster import (
    cluster_conf,
    is_cluster,
    require_cluster,
    set_cluster_environment,
)
from pipeline.runtime.java import ensure_java_home
from pipeline.runtime.package_digest import package_digest
from pipeline.runtime.spark_errors import loss_is_told
from pipeline.runtime.spark_home import ensure_spark_home
from pipeline.runtime.spark_ready import start_failed, wait_until_ready
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_RETRIES = 4
"""Retries of a call to the shared server; together they take about 4 s."""

_JAVA_OPTIONS = ("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "SPARK_SUBMIT_OPTS")
"""Environment variables in which a user may choose a collector; a JVM refuses to start with two."""

PORT_CONF = "spark.connect.grpc.binding.port"

# One BLAS thread per task: parallel tasks fill the cores already, and sums keep one order.
WORKER_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

CONF = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    # Partitions must depend on keys alone: merging them by size would make the layout depend on timing.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000000",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.log.level": "ERROR",
    # Stages of a night share a session (`_session_id`), however long the one between them takes.
    "spark.connect.session.manager.defaultSessionTimeout": "-1",
}


def state_folder(settings: Settings) -> Path:
    """Return the folder for files of this workspace that concern only this machine."""
    return settings.workspace / ".netgain"


def announcement(settings: Settings) -> Path:
    """Return the file that announces the shared Connect server: JSON with `url`, `pid` and `port`."""
    return state_folder(settings) / "spark.json"


def spark_log(settings: Settings) -> Path:
    """Return the file for the output of a server's or session's JVM."""
    return state_folder(settings) / "spark.log"


def prepare_environment(settings: Settings) -> None:
    """Set the environment variables that Spark's JVM and its Python workers inherit.

    Raises:
        SettingsError: there is no suitable Java, or the master is not one that Netgain can use.
        SparkLost: the master cannot be reached.
    """
    require_cluster(settings)
    ensure_java_home(state_folder(settings) / "java")
    ensure_spark_home(settings.spark_master, state_folder(settings) / "spark-home")
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    set_cluster_environment(settings)


def shared_server(settings: Settings) -> dict[str, object] | None:
    """Return the announced Connect server (`url`, `pid`, `port`); None without one, or if its process has ended."""
    try:
        server: dict[str, object] = json.loads(announcement(settings).read_text(encoding="utf-8"))
        # Process ids are reused, so the command line must name the announced port.
        command = psutil.Process(int(str(server["pid"]))).cmdline()
    except (OSError, ValueError, TypeError, KeyError, psutil.Error):
        return None
    return server if f"{PORT_CONF}={server.get('port')}" in command else None


@contextmanager
def spark_session(settings: Settings, *, for_tasks: bool = False) -> Iterator["SparkSession"]:
    """Yield a session that is active until the block ends.

    Opening one takes a second or two over Connect; otherwise a JVM has to start.

    Args:
        settings: of this machine.
        for_tasks: whether the session only distributes Python tasks. On a shared server, all such blocks with the same
            version of the code share a session, and with it the daemon that forks Python workers. Other sessions are
            released at the end of the block, with their cached data.

    Raises:
        SettingsError: the JVM does not start.
        SparkLost: the session is lost within the block.
    """
    server = shared_server(settings)
    if server is None and is_cluster(settings):
        # A driver's log tells what became of its executors; that of a server has all of it.
        from pipeline.runtime.spark_server import serving

        with serving(settings), spark_session(settings, for_tasks=for_tasks) as on_cluster:
            yield on_cluster
        return
    session = _connect(settings, server, for_tasks=for_tasks) if server else _own(settings)
    try:
        with loss_is_told(), _on_cluster(session, settings, server):
            yield session
    finally:
        session.stop()
        # PySpark leaves this variable set, and would then refuse to start a classic session in this process.
        os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


@contextmanager
def _on_cluster(session: "SparkSession", settings: Settings, server: dict[str, object] | None) -> Iterator[None]:
    """Check executors on other machines, once for a shared server, and watch them until the block ends."""
    if server is None or not is_cluster(settings):
        yield
        return
    from pipeline.runtime.executor_watch import watched
    from pipeline.runtime.preflight import check_cluster

    checked = state_folder(settings) / "spark-checked.json"
    this = json.dumps({"port": server["port"], "pid": server["pid"], "code": package_digest()})
    if not checked.is_file() or checked.read_text(encoding="utf-8") != this:
        try:
            check_cluster(session, settings, spark_log(settings))
        except NetgainError:
            session.interruptAll()
            raise
        checked.write_text(this, encoding="utf-8")
    with watched(session.interruptAll, settings, spark_log(settings)):
        yield


def jvm_pids(settings: Settings) -> tuple[int, ...]:
    """Return the ids of processes outside this one's tree that work for its session: the shared server's, if any."""
    server = shared_server(settings)
    return (int(str(server["pid"])),) if server else ()


def _connect(settings: Settings, server: dict[str, object], *, for_tasks: bool) -> "SparkSession":
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client.retries import DefaultPolicy

    # A night announces its server before it is ready, and meanwhile runs the stages that do not need it.
    wait_until_ready(
        int(str(server["port"])), running=lambda: shared_server(settings) == server, log=spark_log(settings)
    )
    url = str(server["url"])
    if for_tasks:
        url += f";session_id={_session_id(url)}"
    session = SparkSession.builder.remote(url).create()
    session.release_session_on_close = not for_tasks
    # A local server that has ended does not come back; PySpark's default policy retries for ten minutes.
    session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
    return session


def _session_id(url: str) -> uuid.UUID:
    """Return the id of the session for tasks, derived from the server's URL, with its token, and a digest of the code.

    Python workers keep the modules that they have imported, so changed code needs new workers, and thus a new session.
    """
    return uuid.UUID(bytes=hashlib.sha256(f"{url} {package_digest()}".encode()).digest()[:16], version=4)


def _own(settings: Settings) -> "SparkSession":
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    prepare_environment(settings)
    scratch = fresh_scratch(settings, str(os.getpid()))
    builder = SparkSession.builder.master(settings.spark_master).appName("netgain")
    for key, value in session_conf(settings, scratch).items():
        builder = builder.config(key, value)
    log = spark_log(settings)
    try:
        with _stderr_to(log):
            session: SparkSession = builder.getOrCreate()
    except (PySparkException, Py4JError) as err:
        raise start_failed(log) from err
    session.sparkContext.setLogLevel("ERROR")
    return session


def session_conf(settings: Settings, scratch: Path) -> dict[str, str]:
    """Return the configuration of a session or server, including the environment of its workers.

    Args:
        settings: of this machine; they give the driver's heap size.
        scratch: folder for all temporary files of the JVM; may be deleted after it has ended.
    """
    environment = {f"spark.executorEnv.{name}": value for name, value in WORKER_ENVIRONMENT.items()}
    # A JVM out of memory may stay alive without answering. If it exits instead, the stage ends with SparkLost.
    java = f'-XX:+ExitOnOutOfMemoryError -Djava.io.tmpdir="{scratch}"{_collector(settings)}'
    machine = {
        "spark.driver.memory": f"{round(1024 * (settings.spark_gib or max(2.0, memory_gib() / 4)))}m",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        # Connect stores artifacts and models, and native libraries are unpacked, in Java's temporary folder.
        "spark.driver.extraJavaOptions": java,
        # Executors elsewhere have no such folder; Spark's own default is theirs.
        "spark.executor.extraJavaOptions": "-XX:+ExitOnOutOfMemoryError" if is_cluster(settings) else java,
    }
    if settings.spark_master.startswith("local"):
        # Any account of the machine reaches the ports of the driver. Spark makes a secret itself where driver and
        # executors are one process; a cluster, and so `local-cluster`, needs one in its own configuration.
        if not settings.spark_master.startswith("local-cluster"):
            machine["spark.authenticate"] = "true"
        # Fits of many iterations truncate their lineage here; else it would overflow a thread's stack. A cluster needs
        # a folder that all of its machines share, which its own configuration has to name.
        machine["spark.checkpoint.dir"] = str(scratch / "checkpoints")
        # Each task is a new fork of a daemon that has imported the kernels: it starts at once, and the memory that it
        # is measured by is not that of a task before it.
        machine["spark.python.daemon.module"] = "pipeline.cli.spark_daemon"
        machine["spark.python.worker.reuse"] = "false"
    return CONF | environment | machine | cluster_conf(settings)


def _collector(settings: Settings) -> str:
    """Return the JVM's option for a collector without threads of its own, for machines of at most two cores; else "".

    There, a night of 1,500 listeners costs a tenth less CPU in the JVM and a third less memory than with the default.
    """
    chosen = any(re.search(r"-XX:\+Use\w+GC", os.environ.get(name, "")) for name in _JAVA_OPTIONS)
    few_cores = settings.spark_master.startswith("local") and len(os.sched_getaffinity(0)) <= 2
    return " -XX:+UseSerialGC" if few_cores and not chosen else ""


def memory_gib(cgroup: Path = Path("/sys/fs/cgroup/memory.max")) -> float:
    """Return the memory [GiB] of this machine, or the limit of its container if that is lower."""
    total = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
        total = min(total, int(cgroup.read_text(encoding="utf-8")))
    return float(total / 2**30)


def fresh_scratch(settings: Settings, owner: str) -> Path:
    """Return an empty folder for the temporary files of one JVM, and remove those of processes that have ended.

    Args:
        settings: of the workspace.
        owner: `server`, or the id of the process that the session belongs to.
    """
    root = state_folder(settings) / "spark"
    for folder in root.glob("*"):
        if folder.name == owner or (folder.name.isdigit() and not psutil.pid_exists(int(folder.name))):
            shutil.rmtree(folder, ignore_errors=True)
    (root / owner).mkdir(parents=True, exist_ok=True)
    return root / owner


@contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """Redirect file descriptor 2 to a file, so that a JVM started in the block does not print its banner.

    Its errors still arrive as exceptions.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("wb") as sink:
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
