"""Connections: uvicorn's protocol, with an end to slow clients and long headers, and other accounts kept out.

A look-up is answered by the protocol itself, as soon as its headers are read: the task, the cycle and the messages of
ASGI cost more than the answer (ADR 0025). All other requests go through ASGI.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from pipeline.serving.answering import LOOK_UPS
from pipeline.serving.http import Answer, Header, Refused, error
from pipeline.serving.identity import account_of

HEADER_SECONDS = 5.0
"""How long the headers of a request may take, and a new connection until its first request [s]."""
WRITE_SECONDS = 10.0
"""How long a client may leave its answers unread [s]."""
MAX_HEADER_BYTES = 16 * 1024


class Protocol(HttpToolsProtocol):
    """A connection of the server."""

    own_account_only: ClassVar[bool] = False
    """Whether other accounts of this machine are refused."""

    _timer: asyncio.TimerHandle | None = None
    _reading = True
    _n_header_bytes = 0
    _answered = False
    _default_headers: ClassVar[Sequence[Header]] = ()
    _default_lines: ClassVar[bytes] = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Refuse another account, or start to wait for a request."""
        super().connection_made(transport)
        if self.own_account_only and not self._is_own_account():
            self._refuse(Refused(403, "this server answers only the account that runs it; start it with a token file"))
        else:
            self._expect(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; headers that do not end soon are waited for, up to a limit of time and of bytes."""
        super().data_received(data)
        if not self._reading:
            return
        self._n_header_bytes += len(data)
        if self._n_header_bytes > MAX_HEADER_BYTES:
            self.send_400_response("")
        elif self._timer is None:
            self._expect(HEADER_SECONDS)

    def on_message_begin(self) -> None:
        """Note that headers are being read."""
        super().on_message_begin()
        self._reading, self._answered = True, False

    def on_headers_complete(self) -> None:
        """Answer a look-up, or hand the request on."""
        self._reading, self._n_header_bytes = False, 0
        if self._timer is not None:
            self._expect(None)
        answer = self._look_up() if self._may_look_up() else None
        if answer is None:
            super().on_headers_complete()
        else:
            self._answered = True
            self._write(answer)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body; that of a look-up is of no use."""
        if not self._answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request has arrived."""
        if not self._answered:
            super().on_message_complete()

    def pause_writing(self) -> None:
        """Give a client that does not read its answers a while."""
        super().pause_writing()
        self._expect(WRITE_SECONDS)

    def resume_writing(self) -> None:
        """Stop waiting."""
        self._expect(None)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        if not self.transport.is_closing():
            self._refuse(Refused(400, "this is not an HTTP/1.1 request, or its headers are too long"))

    def _may_look_up(self) -> bool:
        """Return whether nothing about the request or the connection needs uvicorn's own handling."""
        parser, cycle = self.parser, self.cycle
        return (
            parser.get_method() == b"GET"
            and (cycle is None or cycle.response_complete)  # else the request waits for the one before it
            and not self.flow.write_paused
            and len(self.connections) < (self.limit_concurrency or sys.maxsize)
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and parser.get_http_version() == "1.1"
            and not self.expect_100_continue
        )

    def _look_up(self) -> Answer | None:
        """Return the answer of a look-up; None if the request is another one."""
        path, _, query = self.url.partition(b"?")
        if not path.startswith(LOOK_UPS) or b"#" in self.url:
            return None
        scope = self.scope
        scope["method"], scope["raw_path"], scope["query_string"] = "GET", path, query
        app: Any = self.app
        found: Answer = app.look_up(scope)
        return found

    def _write(self, answer: Answer) -> None:
        more = _lines(answer.headers) if answer.headers else b""
        self.transport.write(
            b"%b%bcontent-type: %b\r\ncontent-length: %d\r\n%b\r\n%b"
            % (STATUS_LINE[answer.status], self._date(), answer.kind[1], len(answer.body), more, answer.body)
        )
        self.on_response_complete()

    def _date(self) -> bytes:
        """Return the lines of the headers that all answers have; uvicorn makes another list of them each second."""
        headers, cls = self.server_state.default_headers, type(self)
        if headers is not cls._default_headers:
            cls._default_headers, cls._default_lines = headers, _lines(headers)
        return cls._default_lines

    def _expect(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._cut_off)

    def _cut_off(self) -> None:
        self._timer = None
        self.transport.abort()

    def _is_own_account(self) -> bool:
        peer: Any = self.transport.get_extra_info("peername")
        own: Any = self.transport.get_extra_info("sockname")
        try:
            return account_of(peer[:2], own[:2]) in (os.getuid(), 0)
        except OSError:
            return False

    def _refuse(self, refused: Refused) -> None:
        answer = error(refused)
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(answer.body)
        self.transport.write(STATUS_LINE[answer.status] + head + answer.body)
        self.transport.close()


def _lines(headers: Sequence[Header]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


class OwnAccountProtocol(Protocol):
    """A connection of a server without a token."""

    own_account_only = True
