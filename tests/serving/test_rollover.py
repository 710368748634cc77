"""Rollover under fire: promotions, rollbacks, erasures and damage while clients ask, workers killed and restarted.

The suite makes a few changes; `make faults-serve` makes 2,000 (NETGAIN_ROLLOVERS).
"""

import http.client
import json
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from pipeline.erasure.requests import erased, request
from pipeline.identity.tokens import OPEN_KEY
from pipeline.releases.current import locked, set_current
from pipeline.serving.erased import announce
from tests.serving.made import make_release
from tests.serving.server import Server, serving

N_CHANGES = int(os.environ.get("NETGAIN_ROLLOVERS", "15"))
N_CONNECTIONS = 8
MARKS = ("", "-b", "-c")
LISTENERS = tuple(f"L{n:02d}" for n in range(24))


class Clients:
    """Threads that ask until they are signalled to stop, and what they saw."""

    def __init__(self, server: Server, marks: dict[str, str], n: int = 3) -> None:
        self.server, self.marks = server, marks
        self.seen: Counter[str] = Counter()
        self.faults: list[str] = []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(i,)) for i in range(n)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _ask(self, seed: int) -> None:
        rng = random.Random(seed)
        caller = Caller(self.server.port)
        while not self.stopped.is_set():
            listener = rng.choice((*LISTENERS, "unknown"))
            try:
                self._judge(*caller.get(f"/v1/listeners/{listener}/recommendations"))
            except OSError:
                self.seen["retried"] += 1  # a worker was killed: the next request opens another connection
            time.sleep(0.002)

    def _judge(self, status: int, body: dict[str, Any]) -> None:
        if status != 200:
            self.faults.append(f"status {status}")
            return
        mark = self.marks.get(body["release"])
        mixed = [item["item_id"] for item in body["items"] if item["item_id"].partition("-")[2] != (mark or "")[1:]]
        if mark is None or mixed or body["lane"] not in ("own", "fallback"):
            self.faults.append(json.dumps(body)[:300])
        self.seen[body["lane"]] += 1


class Caller:
    """A connection that is opened again after it broke."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        try:
            self.connection.request("GET", path)
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException) as err:
            self.connection.close()
            raise ConnectionError from err


def test_no_answer_is_dropped_or_mixed_while_releases_change_under_load(tmp_path: Path) -> None:
    root, ledger = tmp_path / "releases", tmp_path / "ledger"
    (tmp_path / "landing").mkdir()
    releases = [
        make_release(root, tmp_path / "night", f"2026-02-1{n}", mark=mark, listeners=LISTENERS)
        for n, mark in enumerate(MARKS)
    ]
    whole = tmp_path / "whole"
    shutil.copytree(root, whole)
    marks = {release.id: mark for release, mark in zip(releases, MARKS, strict=True)}
    rng, slowest = random.Random(1), 0.0
    gone: list[str] = []
    with serving(tmp_path, "--workers", "2", "--no-newcomers", "--quiet") as server:
        clients = Clients(server, marks)
        try:
            for step in range(N_CHANGES):
                slowest = max(slowest, change(rng.random(), rng, root, whole, releases, server, ledger, gone))
                assert not clients.faults, (step, clients.faults[:3])
        finally:
            clients.stop()
        assert not clients.faults
        assert slowest < 1.0
        assert clients.seen["own"] > N_CHANGES
        assert clients.seen["retried"] <= 3 * N_CHANGES
        # The kernel may give all connections of a check to one worker, so the last change is waited for once more.
        assert until(server, lambda caller: all(is_erased(name)(caller) for name in gone)) < 1.0


def change(
    draw: float,
    rng: random.Random,
    root: Path,
    whole: Path,
    releases: list,
    server: Server,
    ledger: Path,
    gone: list[str],
) -> float:
    """Make one change; return how long it took until it was in force [s], 0 where there is nothing to see."""
    if draw < 0.6:  # a promotion or a rollback
        target = rng.choice(releases)
        with locked(root):
            set_current(root, target.id)
        return until(server, is_served(target.id))
    if draw < 0.75:  # an erasure
        name = rng.choice(LISTENERS)
        request(ledger, [name], key=OPEN_KEY, by="dpo", reason="r")
        who = erased(ledger)
        assert who is not None
        announce(root, who)
        gone.append(name)
        return until(server, is_erased(name))
    if draw < 0.92:  # the served release is damaged, and repaired
        served = next(r for r in releases if r.id == (root / "CURRENT").read_text().strip())
        index = root / served.id / "serving" / "index.bin"
        kept = (whole / served.id / "serving" / "index.bin").read_bytes()
        damage = rng.choice((b"", kept[: len(kept) // 2], bytes(len(kept)), kept + b"x"))
        index.write_bytes(damage)
        time.sleep(0.3)
        index.write_bytes(kept)
        return until(server, is_served(served.id))
    children = psutil.Process(server.process.pid).children(recursive=True)
    alive = [each for each in children if each.status() != psutil.STATUS_ZOMBIE]
    workers = [each for each in alive if "spawn_main" in str(each.cmdline())]
    if workers:
        rng.choice(workers).send_signal(signal.SIGKILL)
        until(server, lambda caller: caller.get("/healthz")[0] == 200, limit=30)
    return 0.0


def until(server: Server, reached: Callable[[Caller], bool], *, limit: float = 3.0) -> float:
    """Return how long it took until both workers, each on several connections, answered as they should [s]."""
    started = time.monotonic()
    while not all(_holds(server, reached) for _ in range(N_CONNECTIONS)):
        assert time.monotonic() - started < limit
    return time.monotonic() - started


def _holds(server: Server, reached: Callable[[Caller], bool]) -> bool:
    try:
        return reached(Caller(server.port))
    except OSError:
        return False


def is_served(name: str) -> Callable[[Caller], bool]:
    return lambda caller: caller.get("/v1/releases/current")[1]["release"] == name


def is_erased(name: str) -> Callable[[Caller], bool]:
    return lambda caller: caller.get(f"/v1/listeners/{name}/recommendations")[1]["lane"] == "fallback"
