"""The warm process: it has imported the libraries that stages need, and forks for each command.

It never uses a library that it has imported, because a fork has the threads of none: polars, gRPC and Spark start
theirs when they are first used, in the fork. OpenBLAS and jemalloc start threads at import and restore them after a
fork by handlers of their own (pthread_atfork). See docs/adr/0019-one-warm-process.md.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from pipeline.runtime.package_digest import package_digest
from pipeline.runtime.parent_watch import die_with_parent
from pipeline.runtime.warm_client import FORWARDED
from pipeline.runtime.warm_request import (
    ACCEPTED,
    REFUSED,
    SOCKET,
    STATUS,
    Request,
    differing_variables,
    identity,
    peer_uid,
    receive,
)

_REQUEST_SECONDS = 10.0
_PR_SET_NAME = 15


class WarmServer:
    """Listens in the working directory, and keeps which child serves which connection."""

    def __init__(self, *, libraries: Sequence[str]) -> None:
        """Args:
        libraries: modules to import, in this order, one whenever no command is waiting.
        """
        self._libraries = list(libraries)
        self._identity = identity()
        self._environ = dict(os.environ)
        self._code = package_digest()
        self._pid = os.getpid()
        self._cwd = str(Path.cwd())
        self._children: dict[int, tuple[int, socket.socket]] = {}  # pidfd: pid, its caller
        self._listener = _listen()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> Request | None:
        """Serve until SIGTERM. Returns in each fork, with the request that it has to carry out on its streams, and
        None in the warm process when it ends."""
        stopped = False

        def stop(_signal: int, _frame: object) -> None:
            nonlocal stopped
            stopped = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches commands through their callers
        wakeup, waker = socket.socketpair()
        for end in (wakeup, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(wakeup, selectors.EVENT_READ, lambda: None)  # a signal ends `select`
        while not stopped:
            events = self._selector.select(0 if self._libraries else None)
            if not events and self._libraries:
                self._import_next()
            for key, _ in events:
                request: Request | None = key.data()
                if request is not None:
                    return request
        SOCKET.unlink(missing_ok=True)
        return None

    def _import_next(self) -> None:
        importlib.import_module(self._libraries.pop(0))
        if not self._libraries:
            gc.collect()
            gc.freeze()  # a collection in a fork must not touch, and so copy, what is shared

    def _accept(self) -> Request | None:
        connection, _ = self._listener.accept()
        fds: list[int] = []
        try:
            connection.settimeout(_REQUEST_SECONDS)
            if peer_uid(connection) != os.geteuid():
                raise PermissionError("another user")
            request, fds = receive(connection)
            if (why := self._refusal(request)) is not None:
                _log(f"refused {' '.join(request.argv)}: {why}")
                connection.sendall(REFUSED)
                connection.close()
                return None
            if not (child := os.fork()):
                return self._become(request, fds, connection)
        except (OSError, ValueError, TypeError) as err:
            _log(f"no request: {type(err).__name__}: {err}")
            connection.close()
            return None
        finally:
            for fd in fds:
                with contextlib.suppress(OSError):
                    os.close(fd)
        pidfd = os.pidfd_open(child)
        self._children[pidfd] = child, connection
        self._selector.register(pidfd, selectors.EVENT_READ, lambda: self._ended(pidfd))
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._heard(pidfd))
        with contextlib.suppress(OSError):  # a caller that is gone is noticed by `_heard`
            connection.sendall(ACCEPTED)
        return None

    def _refusal(self, request: Request) -> str | None:
        """Why a request cannot be carried out here as its caller would; None if it can."""
        mine = self._identity
        if different := sorted(name for name in mine if request.identity.get(name) != mine[name]):
            return f"another {', '.join(different)}"
        if different := differing_variables(self._environ, request.environ):
            return f"other values of {', '.join(different)}"
        if request.cwd != self._cwd:
            return "another workspace"
        if package_digest() != self._code:
            return "the code has changed"
        return None

    def _heard(self, pidfd: int) -> None:
        """Forward signals to a command; kill it if its caller is gone."""
        child, connection = self._children[pidfd]
        try:
            signals = connection.recv(16)
        except OSError:
            signals = b""
        for number in signals or bytes([signal.SIGKILL]):
            if number in (*FORWARDED, signal.SIGKILL):
                os.kill(child, number)  # not reaped yet: the number is still this child's
        if not signals:
            self._selector.unregister(connection)

    def _ended(self, pidfd: int) -> None:
        child, connection = self._children.pop(pidfd)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        with contextlib.suppress(KeyError):  # its caller went first
            self._selector.unregister(connection)
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(OSError):
            connection.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))
        connection.close()

    def _become(self, request: Request, fds: Sequence[int], connection: socket.socket) -> Request:
        """In a fork: take the place of the caller. Returns the request."""
        try:
            die_with_parent(signal.SIGKILL)
            assert os.getppid() == self._pid, "the warm process ended before its fork began"
            for end in (self._selector, self._listener, connection):
                end.close()
            for pidfd, (_, other) in self._children.items():
                os.close(pidfd)
                other.close()
            signal.set_wakeup_fd(-1)
            for sign in FORWARDED:
                signal.signal(sign, signal.default_int_handler if sign == signal.SIGINT else signal.SIG_DFL)
            os.umask(request.umask)
            os.environ.clear()
            os.environ.update(request.environ)
            _take_streams(dict(zip(request.open_fds, fds, strict=True)))
            name_process("@".join(request.argv[1:]))
        except BaseException:  # noqa: BLE001  # it must not go on as a second warm process
            traceback.print_exc()
            os._exit(1)
        return request


def name_process(name: str) -> None:
    """Name this process for `top` and its like, in 15 bytes: a fork shows the warm process's command line."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _listen() -> socket.socket:
    SOCKET.parent.mkdir(exist_ok=True)
    SOCKET.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    umask = os.umask(0o177)  # connecting needs the right to write: the owner's alone
    try:
        listener.bind(str(SOCKET))
    finally:
        os.umask(umask)
    listener.listen()
    return listener


def _take_streams(given: dict[int, int]) -> None:
    """Put the caller's descriptors in the place of 0, 1 and 2, and Python's streams on them."""
    names = {0: "stdin", 1: "stdout", 2: "stderr"}
    for fd, name in names.items():
        if fd not in given:
            os.close(fd)
            setattr(sys, name, None)
            continue
        os.dup2(given[fd], fd)
        stream = getattr(sys, name)
        if fd and os.isatty(fd) and not stream.write_through:  # as Python opens them
            stream.reconfigure(line_buffering=True)


def _log(line: str) -> None:
    print(time.strftime("%H:%M:%S"), line, file=sys.stderr, flush=True)  # noqa: T201
