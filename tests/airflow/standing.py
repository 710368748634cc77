"""Airflow as `make airflow` starts it, driven over its REST API with the credentials that it generated."""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.workspace import environment


class Airflow:
    """A client of a running Airflow."""

    def __init__(self, workspace: Path, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._workspace, self._process = workspace, process
        self._client = httpx.Client(base_url=self.url, timeout=60)

    def log_in(self) -> None:
        file = self._workspace / ".airflow" / "simple_auth_manager_passwords.json.generated"
        self.wait(lambda: self._answers() and file.exists(), seconds=180)
        user = {"username": "admin", "password": json.loads(file.read_text())["admin"]}
        token = self._client.post("/auth/token", json=user).json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._client.request(method, f"/api/v2/{path}", json=body)
        for _ in range(10):
            # SQLite has one writer, and a backfill wants it while the scheduler does: Airflow asks to come again.
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(2)
            answer = self._client.request(method, f"/api/v2/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    def runs(self, dag: str) -> list[dict[str, Any]]:
        answer = self.get(f"/api/v2/dags/{dag}/dagRuns")
        return [] if answer.status_code == 404 else list(answer.json()["dag_runs"])

    def tasks(self, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        found = self.get(f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances").json()
        return {task["task_id"]: task for task in found["task_instances"]}

    def ended(self, dag: str, n_runs: int, *, seconds: float) -> list[dict[str, Any]]:
        """The runs of a DAG, in the order in which they started, when so many are over."""
        self.wait(lambda: sum(r["state"] in ("success", "failed") for r in self.runs(dag)) >= n_runs, seconds=seconds)
        return sorted(self.runs(dag), key=lambda run: str(run["start_date"]))

    def listens_on(self) -> set[str]:
        """Addresses of this machine on which any of its processes listens."""
        found = set()
        for process in family(self._process):
            with contextlib.suppress(psutil.NoSuchProcess):
                found |= {c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
        return found

    def wait(self, ready: Callable[[], bool], *, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not ready():
            assert self._process.poll() is None, "Airflow ended by itself"
            assert time.monotonic() < until, "it took too long"
            time.sleep(0.5)

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return self.get("/api/v2/monitor/health").status_code == 200
        return False


@contextmanager
def standing(workspace: Path, **variables: str) -> Iterator[Airflow]:
    """Start it in a workspace; however the block ends, it and all of its processes are ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (workspace / "airflow.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "infra/airflow/standalone.sh"],
            cwd=workspace,
            env=environment(workspace, PORT=str(port), **variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    airflow = Airflow(workspace, port, process)
    try:
        airflow.log_in()
        yield airflow
    finally:
        running = family(process)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(120)
        finally:
            kill(running)


def family(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """It and every process below it; none when it is over."""
    if process.poll() is not None:
        return []
    head = psutil.Process(process.pid)
    return [head, *head.children(recursive=True)]


def kill(processes: list[psutil.Process]) -> None:
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
