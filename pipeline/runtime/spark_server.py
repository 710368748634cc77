"""A Spark Connect server that the stages of a night share, so that the night pays for one JVM."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.runtime.cluster import secret_arguments
from pipeline.runtime.parent_watch import die_with_parent
from pipeline.runtime.spark_ready import wait_until_ready
from pipeline.runtime.spark_session import (
    PORT_CONF,
    WORKER_ENVIRONMENT,
    announcement,
    fresh_scratch,
    prepare_environment,
    session_conf,
    shared_server,
    spark_log,
    state_folder,
)
from pipeline.settings import Settings


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """Run a server until the block ends. If one already serves this workspace, use it and leave it running."""
    if shared_server(settings):
        yield
        return
    process = start(settings, dies_with_us=True, wait=False)
    try:
        yield
    finally:
        stop(settings, process)


def start(settings: Settings, *, dies_with_us: bool, wait: bool = True) -> subprocess.Popen[bytes]:
    """Start a server on loopback with a new token, and announce it to this workspace.

    Args:
        settings: of the workspace.
        dies_with_us: whether the server ends with this process.
        wait: whether to wait until it listens. Otherwise it is announced immediately, and `spark_session` waits.

    Raises:
        SettingsError: it does not start; the message has the end of its log.
    """
    prepare_environment(settings)
    port, token = _free_port(), secrets.token_hex(16)
    conf = session_conf(settings, fresh_scratch(settings, "server")) | {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        PORT_CONF: str(port),
    }
    log = spark_log(settings)
    arguments = [item for key, value in conf.items() for item in ("--conf", f"{key}={value}")]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                str(Path(os.environ["SPARK_HOME"]) / "bin" / "spark-submit"),
                *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
                *("--name", "netgain", "--master", settings.spark_master),
                *arguments,
                *secret_arguments(settings, state_folder(settings)),
                "spark-internal",
            ],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            # The token travels in the environment: an argument could be read by every user of the machine.
            env=os.environ | WORKER_ENVIRONMENT | {"SPARK_CONNECT_AUTHENTICATE_TOKEN": token},
            preexec_fn=die_with_parent if dies_with_us else None,  # noqa: PLW1509  # no threads have been started
            start_new_session=not dies_with_us,
        )
    if wait:
        try:
            wait_until_ready(port, running=lambda: process.poll() is None, log=log)
        except SettingsError:
            process.kill()
            process.wait()
            raise
    # Without TLS, PySpark sends a token only to a server named localhost.
    _announce(settings, {"url": f"sc://localhost:{port}/;token={token}", "port": port, "pid": process.pid})
    return process


def stop(settings: Settings, process: subprocess.Popen[bytes] | None = None) -> bool:
    """Stop the announced server; return whether one was running.

    Args:
        settings: of the workspace.
        process: the server, if it is a child of this process; it is then waited for, and killed after 20 s.
    """
    server = shared_server(settings)
    announcement(settings).unlink(missing_ok=True)
    if server is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(str(server["pid"])), signal.SIGTERM)
    if process is not None:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return True


def _announce(settings: Settings, server: dict[str, object]) -> None:
    path = announcement(settings)
    temporary = path.with_suffix(".tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds the token
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(server, file)
    temporary.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
