"""What a command hands to the warm process, and how it travels over their Unix socket.

The standard library alone: every `netgain stage X` imports this before it knows whether it needs more.
"""

import array
import json
import os
import resource
import socket
import struct
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.runtime.package_digest import PACKAGE

SOCKET = Path(".netgain") / "warm.sock"
"""Relative to the workspace: a Unix socket's path may have 108 bytes, and a workspace may be deep."""

ACCEPTED, REFUSED = b"A", b"R"
STATUS = struct.Struct("!i")
"""Exit status of the command, or minus the signal that ended it, as `os.waitstatus_to_exitcode` returns it."""

PER_COMMAND = ("DVC_", "PWD", "OLDPWD", "SHLVL", "_")
"""Variables that differ from stage to stage and that no library reads when it is imported."""

_LENGTH = struct.Struct("!I")
_PEER = struct.Struct("iII")  # struct ucred of socket(7): pid, uid, gid
_MAX_FDS = 3


@dataclass(frozen=True)
class Request:
    """A command, with everything that a new process would have inherited from its caller.

    Attributes:
        argv: the words behind `netgain`.
        cwd: the caller's working directory.
        environ: the caller's variables.
        umask: the caller's file mode creation mask.
        open_fds: which of 0, 1 and 2 are open; their descriptors travel beside the request, in this order.
        identity: see `identity`.
    """

    argv: list[str]
    cwd: str
    environ: dict[str, str]
    umask: int
    open_fds: list[int]
    identity: dict[str, object]


def identity() -> dict[str, object]:
    """What a fork keeps from the warm process, so that both must agree on it: interpreter, package, user, limits, CPUs.

    Variables are compared separately (`same_environment`), code is compared by the warm process alone.
    """
    return {
        "executable": sys.executable,
        "version": sys.version,
        "flags": list(map(int, sys.flags)),
        "warnings": sys.warnoptions,
        "package": str(PACKAGE),
        "user": [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *sorted(os.getgroups())],
        "limits": {name: list(_limit(name)) for name in dir(resource) if name.startswith("RLIMIT_")},
        "cpus": sorted(os.sched_getaffinity(0)),
    }


def differing_variables(mine: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """Names of variables with different values, without those of `PER_COMMAND`."""
    names = {name for name, _ in mine.items() ^ theirs.items()}
    return sorted(name for name in names if not name.startswith("DVC_") and name not in PER_COMMAND)


def current_request(argv: list[str]) -> Request:
    """This process's own command and surroundings."""
    umask = os.umask(0o077)
    os.umask(umask)
    streams = enumerate((sys.stdin, sys.stdout, sys.stderr))
    # Python sets a stream to None if its descriptor was closed when the interpreter started.
    return Request(
        argv=argv,
        cwd=str(Path.cwd()),
        environ=dict(os.environ),
        umask=umask,
        open_fds=[fd for fd, stream in streams if stream is not None],
        identity=identity(),
    )


def send(connection: socket.socket, request: Request) -> None:
    """Send a request with its open standard streams (SCM_RIGHTS)."""
    body = json.dumps(asdict(request)).encode("ascii")
    fds = array.array("i", request.open_fds)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if request.open_fds else []
    connection.sendmsg([_LENGTH.pack(len(body))], rights)
    connection.sendall(body)


def receive(connection: socket.socket) -> tuple[Request, list[int]]:
    """A request, and the descriptors that came with it, which the caller must close.

    Raises:
        OSError, ValueError, TypeError: the connection ended early, or what came is not a request.
    """
    head, rights, _, _ = connection.recvmsg(_LENGTH.size, socket.CMSG_LEN(_MAX_FDS * array.array("i").itemsize))
    fds = array.array("i")
    for level, kind, data in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    try:
        if len(head) < _LENGTH.size:
            raise ConnectionError("ended before its request")
        request = Request(**json.loads(_exactly(connection, _LENGTH.unpack(head)[0])))
        if len(fds) != len(request.open_fds):
            raise ValueError(f"{len(fds)} descriptors for {request.open_fds}")
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise
    return request, list(fds)


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket, as the kernel knows it (SO_PEERCRED)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, uid, _ = _PEER.unpack(credentials)
    return int(uid)


def _exactly(connection: socket.socket, n_bytes: int) -> bytes:
    parts, left = [], n_bytes
    while left:
        part = connection.recv(min(left, 1 << 16))
        if not part:
            raise ConnectionError("ended within its request")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _limit(name: str) -> tuple[int, int]:
    return resource.getrlimit(getattr(resource, name))
