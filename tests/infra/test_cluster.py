"""A standalone Spark cluster of two hosts: it works by configuration, and what is missing is a line, not a hang."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.infra.hosts import ADDRESSES, missing, two_hosts

pytestmark = [pytest.mark.spark, pytest.mark.skipif(missing() is not None, reason=missing() or "")]
STARTING = 180  # of the JVM, before the check, on a machine that others use [s]
SECRET = "a-secret-of-the-cluster-0123456789"
ROOT = Path(__file__).resolve().parents[2]

# A kernel as a stage has one: it must run on the other host, and its error must come back as it was raised.
ASK = """
import socket, sys, time
from pathlib import Path
from pipeline.errors import NetgainError, LandingError
from pipeline.runtime.spark_session import spark_session
from pipeline.runtime.spark_server import serving
from pipeline.runtime.spark_tasks import SparkTasks
from pipeline.settings import load_settings

def kernel(n):
    return {"n": n * n}

began = time.monotonic()
settings = load_settings(workspace=Path(sys.argv[1]))
(settings.workspace / ".netgain").mkdir(exist_ok=True)
try:
    if sys.argv[2] == "server":
        with serving(settings), spark_session(settings, for_tasks=True) as session:
            print([each["n"] for each in SparkTasks(session).map(kernel, [1, 2, 3])])
    else:
        with spark_session(settings) as session:
            print([each["n"] for each in SparkTasks(session).map(kernel, [1, 2, 3])])
except NetgainError as err:
    print(type(err).__name__, err)
print(f"{time.monotonic() - began:.1f} s", file=sys.stderr)
"""


def spark_class(*arguments: str) -> list[str]:
    import pyspark

    return [str(Path(pyspark.__file__).parent / "bin" / "spark-class"), *arguments]


def environment(folder: Path, **more: str) -> dict[str, str]:
    return os.environ | {
        "SPARK_LOG_DIR": str(folder),
        "SPARK_WORKER_DIR": str(folder / "work"),
        "_SPARK_AUTH_SECRET": SECRET,
        "SPARK_DAEMON_JAVA_OPTS": "-Dspark.authenticate=true -Dspark.network.crypto.enabled=true",
        "PYTHONPATH": str(ROOT),
        **more,
    }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A master and the driver on host a, a worker on host b."""
    folder = tmp_path_factory.mktemp("cluster")
    with two_hosts() as hosts:
        with (folder / "daemons.log").open("wb") as log:
            for host, arguments in (
                ("a", ("org.apache.spark.deploy.master.Master", "--host", ADDRESSES["a"], "--port", "7077")),
                (
                    "b",
                    (
                        *("org.apache.spark.deploy.worker.Worker", "--host", ADDRESSES["b"], "--cores", "2"),
                        *("--memory", "2g", f"spark://{ADDRESSES['a']}:7077"),
                    ),
                ),
            ):
                hosts.start(
                    host,
                    spark_class(*arguments),
                    env=environment(folder, SPARK_LOCAL_IP=ADDRESSES[host]),
                    stdout=log,
                    stderr=log,
                )
        deadline = time.monotonic() + 300
        while b"Registering worker" not in (folder / "daemons.log").read_bytes():
            assert time.monotonic() < deadline, (folder / "daemons.log").read_text()[-2000:]
            time.sleep(0.5)
        yield hosts


def ask(cluster, workspace: Path, *, how: str = "session", limit: int = 500, **variables: str) -> tuple[str, float]:
    """Run the program on host a; return what it printed, and the seconds that it says it took."""
    settings = {
        "NETGAIN_SPARK_MASTER": f"spark://{ADDRESSES['a']}:7077",
        "NETGAIN_SPARK_SECRET": SECRET,
        "NETGAIN_SPARK_GIB": "0.5",
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    done = subprocess.run(
        cluster.command("a", [sys.executable, "-c", ASK, str(workspace), how]),
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
    )
    return done.stdout.strip(), float(done.stderr.strip().splitlines()[-1].split()[0])


# Half a minute is the default; it is short where the tests of a whole project share two cores.
SLOW = {"NETGAIN_SPARK_WAIT_SECONDS": "240"}


@pytest.mark.parametrize("how", ["session", "server"])
def test_kernels_run_on_the_other_host(cluster, tmp_path, how):
    assert ask(cluster, tmp_path, how=how, **SLOW)[0] == "[1, 4, 9]"


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"NETGAIN_SPARK_MASTER": f"spark://{ADDRESSES['a']}:7999"}, "SparkLost no Spark master can be reached"),
        ({"NETGAIN_SPARK_SECRET": ""}, "SettingsError a standalone Spark cluster without a secret"),
        ({"NETGAIN_SPARK_DRIVER_HOST": "127.0.0.1"}, "SparkLost executors start but do not reach the driver"),
        ({"NETGAIN_SPARK_SECRET": "another-secret-0123456789"}, "SparkLost the master did not accept this driver"),
    ],
)
def test_what_keeps_executors_away_is_one_line_within_half_a_minute(cluster, tmp_path, variables, line):
    said, seconds = ask(cluster, tmp_path, **variables)
    assert said.startswith(line)
    assert "\n" not in said
    assert seconds < 30 + STARTING


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"NETGAIN_SPARK_PYTHON": "/no/such/python"}, "SettingsError workers have no Python at /no/such/python"),
        ({"NETGAIN_SPARK_PYTHON": "/usr/bin/python3"}, "SettingsError workers have"),
    ],
)
def test_an_environment_that_workers_lack_is_one_line(cluster, tmp_path, variables, line):
    said, _ = ask(cluster, tmp_path, **variables, **SLOW)
    assert said.startswith(line)
    assert "\n" not in said
