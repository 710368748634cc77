"""A real server in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx


@contextmanager
def serving(workspace: Path, *options: str, wait: bool = True, **environment: str) -> Iterator["Server"]:
    """Run `netgain serve` in a folder on a free port; stopped at the end."""
    server = Server(workspace, *options, wait=wait, **environment)
    try:
        yield server
    finally:
        server.stop()


class Server:
    """`netgain serve`, with an HTTP client."""

    def __init__(self, workspace: Path, *options: str, wait: bool = True, **environment: str) -> None:
        self.log = workspace / f"serve-{time.monotonic_ns()}.log"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("NETGAIN_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "serve", "--port", "0", *options],
            cwd=workspace,
            env={**kept, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
        )
        if wait:
            self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + 30
        while "http://" not in (text := self.log.read_text(encoding="utf-8")):
            assert self.process.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.02)
        self.url = "http://" + text.split("http://")[1].split("/ ")[0]
        self.port = int(self.url.rpartition(":")[2])
        self.client = httpx.Client(base_url=self.url, timeout=10)
        while True:
            try:
                self.client.get("/healthz")
                return
            except httpx.TransportError:
                assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def stop(self) -> int:
        if hasattr(self, "client"):
            self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(20)
