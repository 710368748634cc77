"""The service as its callers see it: every route, the errors, and what it refuses."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pipeline.erasure.requests import erased, request
from pipeline.identity.tokens import OPEN_KEY
from pipeline.releases.rollback import roll_back
from pipeline.serving.erased import announce
from tests.serving.made import make_release
from tests.serving.server import Server, serving

KEYS = {"lane", "reason", "release", "recipe", "experiment", "arm", "impression_id", "items"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("served")
    (workspace / "landing").mkdir()
    make_release(workspace / "releases", workspace / "night", "2026-02-11", mark="-old")
    make_release(workspace / "releases", workspace / "night", "2026-02-12")
    return workspace


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    with serving(place, "--segment-seconds", "0.5") as running:
        yield running


def test_a_listener_gets_the_own_list_and_a_stranger_the_fallback_list_with_the_same_keys(server: Server) -> None:
    own = server.client.get("/v1/listeners/ann/recommendations").json()
    assert set(own) == KEYS
    assert (own["lane"], own["recipe"], len(own["items"])) == ("own", "item_knn", 5)
    assert [item["rank"] for item in own["items"]] == [1, 2, 3, 4, 5]
    assert [item["share"] for item in own["items"]] == [1.0, 0.5, 0.333, 0.25, 0.2]
    other = server.client.get("/v1/listeners/unknown/recommendations?k=2").json()
    assert set(other) == KEYS
    assert (other["lane"], other["release"], len(other["items"])) == ("fallback", own["release"], 2)
    assert own["impression_id"] != other["impression_id"]


def test_an_id_of_any_letters_is_percent_encoded(server: Server) -> None:
    assert server.client.get("/v1/listeners/Zo%C3%AB%2F%C3%B6/recommendations").json()["lane"] == "own"


def test_the_course_gets_twenty_ids_at_most_on_one_line(server: Server) -> None:
    answer = server.client.get("/recommend/ann")
    assert answer.text == "i2,i3,i4,i5,i6"
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-netgain-lane"] == "own"
    assert len(server.client.get("/recommend/unknown").text.split(",")) <= 20
    assert answer.elapsed.total_seconds() < 0.6


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/listeners/ann", 404),
        ("DELETE", "/v1/listeners/ann/recommendations", 405),
        ("POST", "/healthz", 405),
        ("GET", "/v1/events", 405),
        ("GET", "/v1/listeners//recommendations", 400),
        ("GET", f"/v1/listeners/{'x' * 257}/recommendations", 400),
        ("GET", "/v1/listeners/%FF/recommendations", 400),
        ("GET", "/v1/listeners/a%00b/recommendations", 400),
        ("GET", "/v1/listeners/ann/recommendations?k=0", 400),
        ("GET", "/v1/listeners/ann/recommendations?k=1&k=2", 400),
        ("GET", "/v1/listeners/ann/recommendations?k=<script>", 400),
        ("GET", "/v1/impressions/nothing", 404),
        ("GET", "/v1/impressions/000000000000-0000000000000000", 404),
    ],
)
def test_what_is_wrong_is_one_line_of_json(server: Server, method: str, path: str, status: int) -> None:
    answer = server.client.request(method, path)
    assert (answer.status_code, answer.json()["error"]["status"]) == (status, status)
    assert answer.text.count("\n") == 1
    assert "script" not in answer.text


def test_a_method_that_is_not_allowed_names_those_that_are_and_head_has_no_body(server: Server) -> None:
    assert server.client.put("/v1/events").headers["allow"] == "POST"
    assert server.client.put("/healthz").headers["allow"] == "GET, HEAD"
    head = server.client.head("/v1/listeners/ann/recommendations")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"events":[]}', "application/json", 400),
        (b'{"events":[{"kind":"<b>"}]}', "application/json", 400),
        (b"x" * 70_000, "application/json", 413),
        (b'{"events":[]}', "text/plain", 415),
        (b"\xff\xfe", "application/json", 400),
    ],
)
def test_a_body_is_bounded_checked_and_not_repeated(server: Server, body: bytes, kind: str, status: int) -> None:
    answer = server.client.post("/v1/events", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]["status"]) == (status, status)
    assert "<b>" not in answer.text


def test_what_is_not_http_and_endless_headers_get_an_answer_and_the_end_of_the_connection(server: Server) -> None:
    for data in (b"\x16\x03\x01 hello\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"y" * 40_000):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
            raw.sendall(data)
            got = b""
            while part := raw.recv(4096):
                got += part
        assert got.startswith(b"HTTP/1.1 400")
        assert json.loads(got.partition(b"\r\n\r\n")[2])["error"]["status"] == 400


def test_a_newcomer_names_artists_however_they_are_written(server: Server) -> None:
    asked = {"items": ["sigur ros", "BJORK", "Knife"], "k": 4}
    answer = server.client.post("/v1/recommendations", json=asked, timeout=60).json()
    assert set(answer) == KEYS | {"named"}
    assert (answer["lane"], answer["items"][0]["item_name"]) == ("folded", "AC/DC")  # of the same group
    assert [item["item_name"] for item in answer["named"]] == ["Sigur Rós", "Björk", "The Knife"]
    assert not {item["item_id"] for item in answer["named"]} & {item["item_id"] for item in answer["items"]}
    unknown = server.client.post("/v1/recommendations", json={"items": ["zzzzzzzz"]}).json()
    assert (unknown["lane"], unknown["named"]) == ("fallback", [])
    assert "recognised" in unknown["reason"]


def test_the_release_health_metrics_page_and_description_are_published(server: Server) -> None:
    client = server.client
    release = client.get("/v1/releases/current").json()
    assert (release["code"], release["recipe"], release["is_current"]) == ("c0ffee", "item_knn", True)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["release"] == release["release"]
    client.get("/v1/listeners/ann/recommendations")
    assert 'netgain_requests_total{lane="own",route="recommendations",status="200"}' in client.get("/metrics").text
    assert "/v1/events" in client.get("/openapi.json").json()["paths"]
    assert client.get("/").text.startswith("<!doctype html>")


def test_no_log_line_holds_an_id(server: Server) -> None:
    server.client.get("/v1/listeners/a-secret-listener/recommendations")
    time.sleep(0.6)
    lines = [line for line in server.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    assert lines
    assert all(set(json.loads(line)) == {"at_ms", "route", "status", "lane", "release", "us"} for line in lines)
    assert "a-secret-listener" not in server.log.read_text(encoding="utf-8")


def test_an_impression_can_be_asked_for_by_its_id(server: Server) -> None:
    answer = server.client.get("/v1/listeners/ann/recommendations?k=2").json()
    time.sleep(1.3)
    found = server.client.get(f"/v1/impressions/{answer['impression_id']}").json()
    assert found["items"] == [item["item_id"] for item in answer["items"]]
    assert (found["release"], found["lane"]) == (answer["release"], "own")
    assert "listener_id" not in found


def test_a_rollback_and_an_erasure_are_in_force_within_a_second(place: Path, server: Server) -> None:
    before = server.client.get("/v1/listeners/bob/recommendations").json()
    roll_back(place / "releases", place / "ledger", to=None, by="ann", reason="r")
    deadline = time.monotonic() + 1
    while (after := server.client.get("/v1/listeners/bob/recommendations").json())["release"] == before["release"]:
        assert time.monotonic() < deadline
    assert after["items"][0]["item_id"].endswith("-old")
    request(place / "ledger", ["bob"], key=OPEN_KEY, by="dpo", reason="r")
    who = erased(place / "ledger")
    assert who is not None
    announce(place / "releases", who)
    deadline = time.monotonic() + 1
    while server.client.get("/v1/listeners/bob/recommendations").json()["lane"] != "fallback":
        assert time.monotonic() < deadline


def test_another_address_needs_a_token_file_that_others_cannot_read(place: Path) -> None:
    def start(*options: str) -> str:
        command = [sys.executable, "-m", "pipeline", "serve", "--port", "0", *options]
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=60,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        return done.stderr

    assert "without a token file" in start("--host", "0.0.0.0")
    token = place / "token"
    token.write_text("t" * 32)
    token.chmod(0o644)
    assert "other accounts can read" in start("--host", "0.0.0.0", "--token-file", "token")
    token.write_text("short")
    token.chmod(0o600)
    assert "at least 16" in start("--token-file", "token")


def test_with_a_token_nothing_but_health_is_told_without_it_and_two_workers_share_the_work(place: Path) -> None:
    token = place / "token"
    token.write_text("t" * 32 + "\n")
    token.chmod(0o600)
    options = ("--token-file", "token", "--workers", "2", "--no-newcomers", "--quiet", "--rate", "40")
    with serving(place, *options) as running:
        assert running.client.get("/healthz").status_code == 200
        for path in ("/v1/listeners/ann/recommendations", "/metrics", "/", "/openapi.json", "/v1/releases/current"):
            assert running.client.get(path).status_code == 401
        bearer = {"authorization": "Bearer " + "t" * 32}
        assert running.client.get("/v1/listeners/ann/recommendations", headers=bearer).json()["lane"] == "own"
        statuses = [running.client.get("/v1/releases/current", headers=bearer).status_code for _ in range(120)]
        assert set(statuses) == {200, 429}
        assert running.stop() == 0


@pytest.mark.skipif(os.getuid() != 0, reason="needs to start a process of another account")
def test_another_account_of_the_machine_gets_nothing(server: Server) -> None:
    code = (
        "import os, socket, encodings.idna\nos.setgid(65534); os.setuid(65534)\n"
        f"s = socket.create_connection(('127.0.0.1', {server.port}))\n"
        "s.sendall(b'GET /recommend/ann HTTP/1.0\\r\\n\\r\\n')\n"
        "try: print(s.recv(4096))\nexcept ConnectionResetError: print('reset before 403')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert "403" in done.stdout
    assert "i2" not in done.stdout


def test_a_server_without_releases_says_so_and_serves_the_first_one(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    with serving(tmp_path, "--no-newcomers") as running:
        for path in ("/readyz", "/v1/listeners/ann/recommendations"):
            answer = running.client.get(path)
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        make_release(tmp_path / "releases", tmp_path / "night")
        deadline = time.monotonic() + 1
        while running.client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
        assert running.client.get("/v1/listeners/ann/recommendations").json()["lane"] == "own"


def test_a_taken_port_is_one_clear_line(place: Path, server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "serve", "--port", str(server.port)],
        cwd=place, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 2
    assert "cannot be bound" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_slow_client_is_cut_off(place: Path) -> None:
    from pipeline.serving import protocol

    assert protocol.HEADER_SECONDS <= 5  # the constant that the server runs with
    with serving(place, "--no-newcomers") as running, socket.create_connection(("127.0.0.1", running.port)) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\n")
        raw.settimeout(protocol.HEADER_SECONDS + 5)
        started = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert raw.recv(100) == b""
        assert time.monotonic() - started < protocol.HEADER_SECONDS + 2
    with pytest.raises(httpx.TransportError):
        httpx.get(running.url)
