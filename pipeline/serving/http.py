"""Requests and answers: bounded bodies, and errors that are one line of JSON and repeat nothing of the request."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

MAX_BODY_BYTES = 64 * 1024
MAX_ID_BYTES = 256
BODY_SECONDS = 10.0
"""A client that takes longer to send a body is cut off [s]."""

JSON, TEXT = (b"content-type", b"application/json"), (b"content-type", b"text/plain; charset=utf-8")
_logger = logging.getLogger("netgain.serve")
HTML = (b"content-type", b"text/html; charset=utf-8")


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, *headers: Header) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


@dataclass(slots=True)
class Answer:
    """What is sent, and what is counted of it: the lane, and the release that it came from."""

    body: bytes
    kind: Header = JSON
    status: int = 200
    lane: str = ""
    release: str = ""
    headers: tuple[Header, ...] = ()


def error(refused: Refused) -> Answer:
    """Return the answer of a refused request: `{"error": {"status": …, "message": …}}`."""
    body = json.dumps({"error": {"status": refused.status, "message": refused.message}}) + "\n"
    return Answer(body.encode(), status=refused.status, headers=refused.headers)


def note_fault(err: BaseException) -> None:
    """Log an error by its kind and place; its message may hold what a client sent."""
    trace, place = err.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    _logger.error("%s at %s", type(err).__name__, place)


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the value of a header."""
    return next((value for key, value in scope["headers"] if key == name), None)


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the body of a request.

    Raises:
        Refused: it is too long, of another type than JSON, or does not arrive in time.
    """
    length = header(scope, b"content-length")
    if length is not None and int(length) > MAX_BODY_BYTES:
        raise _too_long()
    kind = (header(scope, b"content-type") or b"").split(b";")[0].strip().lower()
    if kind != b"application/json":
        raise Refused(415, "the body must be application/json")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _receive_all(receive)
    except TimeoutError:
        raise Refused(408, "the body did not arrive in time", (b"connection", b"close")) from None


async def _receive_all(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the client went away")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _too_long()
        if not message.get("more_body", False):
            return bytes(body)


def _too_long() -> Refused:
    return Refused(413, f"the body has more than {MAX_BODY_BYTES} bytes", (b"connection", b"close"))


def decode_id(raw: bytes) -> str:
    """Return an id of a path, percent-decoded.

    Raises:
        Refused: it is empty, too long, not UTF-8, or contains U+0000.
    """
    data = unquote_to_bytes(raw) if b"%" in raw else raw
    if not data or len(data) > MAX_ID_BYTES:
        raise Refused(400, f"an id has 1 to {MAX_ID_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Refused(400, "an id is UTF-8, percent-encoded") from None
    if "\x00" in text:
        raise Refused(400, "an id has no U+0000")
    return text


def whole_number(query: bytes, name: bytes, *, low: int, high: int) -> int | None:
    """Return a parameter of a query string; None if it is not given.

    Raises:
        Refused: it is given twice or is not a whole number within the bounds.
    """
    found = [part.partition(b"=")[2] for part in query.split(b"&") if part.partition(b"=")[0] == name]
    if not found:
        return None
    text = found[0]
    if len(found) > 1 or not text.isdigit() or len(text) > 6 or not low <= int(text) <= high:
        raise Refused(400, f"{name.decode()} is a whole number from {low} to {high}, given once")
    return int(text)


def describe(faults: Iterable[Any]) -> str:
    """Return what pydantic found, without any of the input: the place and the kind of the first three faults."""
    lines = []
    for fault in list(faults)[:3]:
        place = ".".join(str(part) for part in fault["loc"])
        lines.append(f"{place or 'the body'}: {fault['type'].replace('_', ' ')}")
    return "; ".join(lines)
