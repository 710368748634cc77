"""The Spark server that a night's stages share listens on loopback, requires a token, and ends with the night."""

import json
import os
import signal
import stat
import subprocess
import sys
import time

import psutil
import pytest

from pipeline.errors import SettingsError, SparkLost
from pipeline.runtime.spark_server import serving, start, stop
from pipeline.runtime.spark_session import (
    announcement,
    jvm_pids,
    memory_gib,
    session_conf,
    shared_server,
    spark_session,
)
from pipeline.runtime.spark_tasks import SparkTasks
from pipeline.runtime.threads import threads_for_task
from pipeline.settings import load_settings
from tests.workspace import environment

MASTER = "local[1]"


def settings_of(workspace, master=MASTER):
    return load_settings({"NETGAIN_SPARK_MASTER": master}, workspace=workspace)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    settings = settings_of(tmp_path_factory.mktemp("server"))
    with serving(settings):
        yield settings


@pytest.fixture
def other_process():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    yield process
    process.kill()
    process.wait()


@pytest.mark.spark
def test_only_the_owner_can_read_the_announcement(served):
    assert stat.S_IMODE(announcement(served).stat().st_mode) == 0o600


@pytest.mark.spark
def test_sessions_use_the_shared_server(served):
    with spark_session(served) as session:
        assert type(session).__module__ == "pyspark.sql.connect.session"
        assert session.range(3).count() == 3
    assert jvm_pids(served) == (shared_server(served)["pid"],)


@pytest.mark.spark
def test_tasks_side_by_side_share_the_cores_and_a_task_alone_has_them_all(served):
    def threads(_: int) -> dict[str, int]:
        return {"threads": threads_for_task()}

    n_cores = len(os.sched_getaffinity(0))
    with spark_session(served) as session:
        assert SparkTasks(session).map(threads, [0]) == [{"threads": n_cores}]
        assert SparkTasks(session).map(threads, range(n_cores)) == [{"threads": 1}] * n_cores
    assert threads_for_task() == n_cores


@pytest.mark.spark
def test_a_process_can_open_its_own_session_after_a_shared_one(served, tmp_path):
    with spark_session(served):
        pass
    with spark_session(settings_of(tmp_path)) as session:
        assert session.sparkContext.master == MASTER


@pytest.mark.spark
@pytest.mark.parametrize("token", ["", ";token=0123456789abcdef0123456789abcdef"])
def test_a_connection_without_the_token_is_refused(served, token):
    code = (
        "from pyspark.sql import SparkSession\n"
        f"SparkSession.builder.remote('sc://localhost:{shared_server(served)['port']}/{token}').create().range(1).count()"
    )
    variables = {k: v for k, v in os.environ.items() if not k.startswith("SPARK_CONNECT")}
    client = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120, env=variables
    )
    assert client.returncode == 1
    assert "UNAUTHENTICATED" in client.stderr


@pytest.mark.spark
def test_the_token_is_in_no_command_line(served):
    token = str(shared_server(served)["url"]).partition("token=")[2]
    assert len(token) == 32
    assert token not in " ".join(psutil.Process(*jvm_pids(served)).cmdline())


@pytest.mark.spark
def test_the_server_listens_on_loopback_only(served):
    with spark_session(served) as session:
        session.range(1).count()
        listening = {
            c.laddr.ip for c in psutil.Process(*jvm_pids(served)).net_connections() if c.status == psutil.CONN_LISTEN
        }
    assert listening
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.mark.spark
def test_a_second_night_uses_the_running_server_and_does_not_stop_it(served):
    before = shared_server(served)
    with serving(served):
        assert shared_server(served) == before
    assert shared_server(served) == before


@pytest.mark.spark
def test_the_server_ends_with_a_night_that_is_killed(tmp_path):
    code = (
        "import time\nfrom pathlib import Path\nfrom pipeline.runtime.spark_server import serving\n"
        "from pipeline.settings import load_settings\n"
        f"with serving(load_settings({{'NETGAIN_SPARK_MASTER': '{MASTER}'}}, workspace=Path.cwd())):\n"
        "    print('up', flush=True)\n    time.sleep(300)\n"
    )
    variables = {k: v for k, v in environment(tmp_path).items() if k != "PYTHONPATH"}
    night = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=variables, stdout=subprocess.PIPE)
    try:
        assert night.stdout.readline() == b"up\n"
        settings = settings_of(tmp_path)
        jvm = psutil.Process(*jvm_pids(settings))
    finally:
        night.send_signal(signal.SIGKILL)
        night.wait()
    assert _gone(jvm, seconds=20)
    assert shared_server(settings) is None


@pytest.mark.spark
def test_a_server_out_of_memory_is_lost_and_not_waited_for(tmp_path):
    settings = load_settings({"NETGAIN_SPARK_MASTER": MASTER, "NETGAIN_SPARK_GIB": "0.5"}, workspace=tmp_path)
    too_much = "SELECT size(sequence(1L, id + 200000000L)) FROM range(1)"  # 1.6 GB
    with serving(settings), pytest.raises(SparkLost, match="NETGAIN_SPARK_GIB"), spark_session(settings) as session:
        session.sql(too_much).collect()
    assert shared_server(settings) is None


def test_the_heap_is_a_quarter_of_the_containers_limit_unless_it_is_set(tmp_path):
    limit = tmp_path / "memory.max"
    limit.write_text(f"{2**30}\n")
    assert memory_gib(limit) == 1
    limit.write_text("max\n")
    assert memory_gib(limit) == psutil.virtual_memory().total / 2**30
    heap = session_conf(settings_of(tmp_path), tmp_path)["spark.driver.memory"]
    assert heap == f"{max(2048, round(256 * memory_gib()))}m"
    given = load_settings({"NETGAIN_SPARK_GIB": "1.5"}, workspace=tmp_path)
    assert session_conf(given, tmp_path)["spark.driver.memory"] == "1536m"


@pytest.mark.spark
def test_stopping_removes_the_announcement_and_the_process(tmp_path):
    settings = settings_of(tmp_path)
    process = start(settings, dies_with_us=True)
    assert stop(settings, process)
    assert process.poll() is not None
    assert not announcement(settings).exists()
    assert not stop(settings)


def test_an_announcement_of_an_ended_process_is_ignored(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert shared_server(announce(tmp_path, {"url": "sc://localhost:1/", "port": 1, "pid": gone.pid})) is None


def test_an_announcement_whose_process_id_was_reused_is_ignored(tmp_path, other_process):
    settings = announce(tmp_path, {"url": "sc://localhost:1/", "port": 1, "pid": other_process.pid})
    assert shared_server(settings) is None
    assert jvm_pids(settings) == ()
    assert not stop(settings)
    assert other_process.poll() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"pid": "x"}', '{"pid": -1, "port": 1}', '{"pid": null}', "\xff"]
)
def test_an_announcement_that_cannot_be_read_is_ignored(tmp_path, text):
    settings = announce(tmp_path, {})
    announcement(settings).write_bytes(text.encode("latin-1"))
    assert shared_server(settings) is None


def test_an_invalid_master_is_reported_in_one_line(tmp_path):
    settings = settings_of(tmp_path, "mesos://nowhere")
    with pytest.raises(
        SettingsError, match=r"NETGAIN_SPARK_MASTER = 'mesos://nowhere'; expected local\[\*\], spark://"
    ):
        start(settings, dies_with_us=True)
    assert not announcement(settings).exists()


def announce(workspace, server):
    settings = settings_of(workspace)
    announcement(settings).parent.mkdir()
    announcement(settings).write_text(json.dumps(server))
    return settings


def _gone(process, *, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False
