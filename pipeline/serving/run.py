"""Starts the server: one socket, and as many processes as are asked for."""

import logging
import socket
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.serving.app import create
from pipeline.serving.identity import is_supported
from pipeline.serving.options import Options, is_loopback
from pipeline.serving.protocol import OwnAccountProtocol, Protocol

STOP_SECONDS = 10
"""How long requests may take to finish when the server is stopped [s]."""
_BACKLOG = 2048
_CONNECTIONS = 4096


def serve(options: Options, *, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        SettingsError: the address is not loopback and there is no token, or it cannot be bound.
    """
    from uvicorn import Config, Server
    from uvicorn.supervisors import Multiprocess

    check_access(options, host)
    bound = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    who = "callers with the token" if options.token is not None else "this account"
    print(f"netgain: http://{shown}:{bound.getsockname()[1]}/ answers {who}", file=sys.stderr, flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="netgain-serve-") as counts:
        config = Config(
            partial(create, replace(options, counts=Path(counts))),
            factory=True,
            loop="uvloop",
            http=OwnAccountProtocol if options.token is None else Protocol,
            ws="none",
            lifespan="on",
            workers=options.workers,
            access_log=False,
            log_level=logging.WARNING,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=STOP_SECONDS,
            limit_concurrency=_CONNECTIONS,
            backlog=_BACKLOG,
        )
        if options.workers > 1:
            Multiprocess(config, sockets=[bound]).run()
        else:
            Server(config).run(sockets=[bound])


def check_access(options: Options, host: str) -> None:
    """Check that the server does not answer the whole network without a token.

    Raises:
        SettingsError: there is no token and the address is not loopback, or this machine cannot tell accounts apart.
    """
    if options.token is not None:
        return
    if not is_loopback(host):
        raise SettingsError(
            f"--host {host} without a token file",
            expected="a loopback address, or --token-file",
            fix="Make one: (umask 077; openssl rand -hex 32 > token), and give --token-file token.",
        )
    if not is_supported():
        raise SettingsError(
            "this machine does not say which account is at the other end of a connection",
            expected="--token-file",
            fix="Make one: (umask 077; openssl rand -hex 32 > token), and give --token-file token.",
        )


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, reuse_port=False)
    except OSError as err:
        raise SettingsError(
            f"{host}:{port} cannot be bound: {err.strerror}", expected="a free port", fix="Give another --port."
        ) from err
