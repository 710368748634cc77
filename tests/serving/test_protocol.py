"""A look-up is answered by the protocol itself, and looks like an answer through ASGI to every client."""

import json
import re
import socket
from collections.abc import Iterator
from io import BufferedReader

import pytest

from tests.serving.made import make_release
from tests.serving.server import Server, serving

LOOK_UP = "/v1/listeners/ann/recommendations"
OTHERS = (LOOK_UP, "/v1/listeners//recommendations", "/v1/listeners/ann", "/recommend/ann", f"{LOOK_UP}?k=0")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = tmp_path_factory.mktemp("connections")
    (workspace / "landing").mkdir()
    make_release(workspace / "releases", workspace / "night", "2026-02-12")
    with serving(workspace, "--no-newcomers") as running:
        yield running


Parsed = tuple[int, dict[str, str], str]


def talk(server: Server, sent: str, n: int = 1) -> list[Parsed]:
    """Return status, headers and body of n answers on one connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent.encode())
        with connection.makefile("rb") as answers:
            return [parse(answers) for _ in range(n)]


def parse(answers: BufferedReader) -> Parsed:
    status = int(answers.readline().split()[1])
    lines = iter(lambda: answers.readline().decode().rstrip("\r\n"), "")
    headers = dict(line.split(": ", 1) for line in lines)
    return status, headers, answers.read(int(headers["content-length"])).decode()


def plain(answer: Parsed) -> Parsed:
    """Return an answer without what differs from one to the next."""
    status, headers, body = answer
    kept = {name: value for name, value in headers.items() if name not in ("date", "connection")}
    cut = {name: re.sub(r"[0-9a-f]{12}-[0-9a-f]{16}", "ID", value) for name, value in kept.items()}
    return status, cut, re.sub(r"[0-9a-f]{12}-[0-9a-f]{16}", "ID", body)


@pytest.mark.parametrize("path", OTHERS)
def test_the_answer_is_the_one_that_asgi_gives(server: Server, path: str) -> None:
    (at_once,) = talk(server, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
    (by_asgi,) = talk(server, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert plain(at_once) == plain(by_asgi)
    assert by_asgi[1]["connection"] == "close"
    assert "connection" not in at_once[1]
    assert at_once[1]["date"].endswith("GMT")


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    look_ups = [f"GET {LOOK_UP}?k={k} HTTP/1.1\r\nHost: x\r\n\r\n" for k in (1, 2, 3)]
    found = talk(server, look_ups[0] + look_ups[1] + health + look_ups[2] + health, n=5)
    assert [status for status, *_ in found] == [200] * 5
    bodies = [json.loads(body) for *_, body in found]
    assert [len(body.get("items", "")) for body in bodies] == [1, 2, 0, 3, 0]


def test_a_body_of_a_look_up_is_read_and_left_unused(server: Server) -> None:
    with_body = f"GET {LOOK_UP} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /"
    found = talk(server, with_body + f"GET {LOOK_UP}?k=1 HTTP/1.1\r\nHost: x\r\n\r\n", n=2)
    assert [(status, len(json.loads(body)["items"])) for status, _, body in found] == [(200, 5), (200, 1)]


def test_every_look_up_is_counted_once(server: Server) -> None:
    def counted() -> int:
        metrics = server.client.get("/metrics").text
        found = re.findall(r'requests_total\{lane="own",route="recommendations",status="200"\} (\d+)', metrics)
        return int(found[0]) if found else 0

    before = counted()
    for ending in ("", "Connection: close\r\n"):
        talk(server, f"GET {LOOK_UP} HTTP/1.1\r\nHost: x\r\n{ending}\r\n")
    assert counted() == before + 2
