"""Spark sessions: a shared Connect server where one is announced, else a session of this process's own."""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pipeline.runtime.java import ensure_java_home
from pipeline.runtime.package_digest import package_digest
from pipeline.runtime.spark_errors import loss_is_told
from pipeline.runtime.spark_home import ensure_spark_home
from pipeline.runtime.spark_ready import start_failed, wait_until_ready
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_RETRIES = 4
"""Of a call to the shared server, within some 4 s."""

PORT_CONF = "spark.connect.grpc.binding.port"

# One BLAS thread a task: tasks are what fills the cores, and sums keep one order.
WORKER_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

CONF = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    # Groups decide what a task gets, by key alone: merging partitions by size would tie layout to timing.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000000",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.log.level": "ERROR",
    # Stages of a night share a session (`_session_id`), however long the one between them takes.
    "spark.connect.session.manager.defaultSessionTimeout": "-1",
}


def state_folder(settings: Settings) -> Path:
    """Where this workspace keeps what only this machine needs."""
    return settings.workspace / ".netgain"


def announcement(settings: Settings) -> Path:
    """The file in which a shared Connect server says where it is."""
    return state_folder(settings) / "spark.json"


def spark_log(settings: Settings) -> Path:
    """What the JVM of a server or session prints."""
    return state_folder(settings) / "spark.log"


def prepare_environment(settings: Settings) -> None:
    """What Spark's JVM and its Python workers inherit."""
    ensure_java_home(state_folder(settings) / "java")
    ensure_spark_home(settings.spark_master, state_folder(settings) / "spark-home")
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def shared_server(settings: Settings) -> dict[str, object] | None:
    """The announced Connect server (`url`, `pid`, `port`), None where there is none or its process is gone."""
    try:
        server: dict[str, object] = json.loads(announcement(settings).read_text(encoding="utf-8"))
        # A number is reused: the process must be the server that listens on the announced port.
        command = psutil.Process(int(str(server["pid"]))).cmdline()
    except (OSError, ValueError, TypeError, KeyError, psutil.Error):
        return None
    return server if f"{PORT_CONF}={server.get('port')}" in command else None


@contextmanager
def spark_session(settings: Settings, *, for_tasks: bool = False) -> Iterator["SparkSession"]:
    """A session, active until the block ends. Over Connect it costs a second or two, else the start of a JVM.

    Args:
        settings: of the machine.
        for_tasks: the session only distributes tasks of Python. On a shared server, all such blocks of one version of
            the code share a session, and with it the daemon that forks Python workers. Other sessions are released with
            all that they hold.

    Raises:
        SettingsError: no JVM comes up.
        SparkLost: it goes away within the block.
    """
    server = shared_server(settings)
    session = _connect(settings, server, for_tasks=for_tasks) if server else _own(settings)
    try:
        with loss_is_told():
            yield session
    finally:
        session.stop()
        # PySpark leaves it behind, and then refuses this process every session of its own.
        os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


def jvm_pids(settings: Settings) -> tuple[int, ...]:
    """Processes outside this one's tree that work for its session: the shared server."""
    server = shared_server(settings)
    return (int(str(server["pid"])),) if server else ()


def _connect(settings: Settings, server: dict[str, object], *, for_tasks: bool) -> "SparkSession":
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client.retries import DefaultPolicy

    # A night announces its server when it starts it, and goes on with the stages that do not need it.
    wait_until_ready(
        int(str(server["port"])), running=lambda: shared_server(settings) == server, log=spark_log(settings)
    )
    url = str(server["url"])
    if for_tasks:
        url += f";session_id={_session_id(url)}"
    session = SparkSession.builder.remote(url).create()
    session.release_session_on_close = not for_tasks
    # A server of this machine that is gone does not come back; by itself PySpark asks for ten minutes.
    session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
    return session


def _session_id(url: str) -> uuid.UUID:
    """The session of this server (its URL has a token of its own) for this version of the code: Python workers keep
    the code that they have imported, so a changed kernel needs workers of its own."""
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
    """Configuration of a session or server, the environment of its workers included.

    Args:
        settings: of this machine; the driver's heap is theirs.
        scratch: a folder that may be thrown away when its JVM has ended; nothing is written elsewhere.
    """
    environment = {f"spark.executorEnv.{name}": value for name, value in WORKER_ENVIRONMENT.items()}
    # A JVM without memory may live on and never answer; one that ends is told as a loss, and ends the stage.
    java = f'-XX:+ExitOnOutOfMemoryError -Djava.io.tmpdir="{scratch}"'
    machine = {
        "spark.driver.memory": f"{round(1024 * (settings.spark_gib or max(2.0, memory_gib() / 4)))}m",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        # Connect keeps artifacts and models, and native libraries are unpacked, where Java has its temporary files.
        "spark.driver.extraJavaOptions": java,
        "spark.executor.extraJavaOptions": java,
    }
    if settings.spark_master.startswith("local"):
        # Where a fit of many iterations cuts off its history, which is else too deep for a thread's stack. A cluster
        # needs a folder that all of its machines share, and gets it from its own configuration.
        machine["spark.checkpoint.dir"] = str(scratch / "checkpoints")
        # Each task is a new fork of a daemon that has imported the kernels: it starts at once, and the memory that it
        # is measured by is not that of a task before it.
        machine["spark.python.daemon.module"] = "pipeline.cli.spark_daemon"
        machine["spark.python.worker.reuse"] = "false"
    return CONF | environment | machine


def memory_gib(cgroup: Path = Path("/sys/fs/cgroup/memory.max")) -> float:
    """Memory [GiB] that this machine has, or that its container may use."""
    total = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
        total = min(total, int(cgroup.read_text(encoding="utf-8")))
    return float(total / 2**30)


def fresh_scratch(settings: Settings, owner: str) -> Path:
    """An empty folder for one JVM's leftovers.

    Args:
        owner: `server`, or the number of the process that the session belongs to; folders of processes that are gone
            are removed.
    """
    root = state_folder(settings) / "spark"
    for folder in root.glob("*"):
        if folder.name == owner or (folder.name.isdigit() and not psutil.pid_exists(int(folder.name))):
            shutil.rmtree(folder, ignore_errors=True)
    (root / owner).mkdir(parents=True, exist_ok=True)
    return root / owner


@contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """A JVM that starts within the block talks to a file: its greetings are noise, its errors come as exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("wb") as sink:
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
