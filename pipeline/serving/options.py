"""How a server is started."""

import stat
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.identity.tokens import OPEN_KEY
from pipeline.serving.telemetry import Limits

_MIN_TOKEN = 16


@dataclass(frozen=True)
class Options:
    """What every worker of a server knows.

    Attributes:
        releases: folder of releases.
        landing: folder into which segments of events are moved.
        counts: folder that the workers share for their counts.
        id_key: of the tokens in the releases, see `pipeline.identity.key.own_key`.
        token: what callers must send; None: only the account that runs the server is answered, on loopback.
        rate: requests a second of each client, over all workers; 0 for no limit.
        workers: number of processes.
        limits: when segments are closed.
        newcomers: whether the served model is loaded to take newcomers.
        log: whether a line is written for each request.
    """

    releases: Path
    landing: Path
    counts: Path
    id_key: bytes = field(default=OPEN_KEY, repr=False)
    token: bytes | None = field(default=None, repr=False)
    rate: float = 0.0
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    newcomers: bool = True
    log: bool = True


def is_loopback(host: str) -> bool:
    """Return whether an address is this machine's own; names other than localhost are not."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_token(path: Path) -> bytes:
    """Return the token of a file that no other account can read.

    Raises:
        SettingsError: it cannot be read, others can read it, or the token is too short or not plain text.
    """
    try:
        mode, token = path.stat().st_mode, path.read_bytes().strip()
    except OSError as err:
        raise SettingsError(
            f"{path} cannot be read: {err.strerror}",
            expected="a file with a token",
            fix="Make one: (umask 077; openssl rand -hex 32 > token).",
        ) from err
    if mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsError(
            f"other accounts can read {path}", expected="a file of mode 600", fix=f"Run: chmod 600 {path}"
        )
    if len(token) < _MIN_TOKEN or not token.isascii() or len(token.split()) != 1:
        raise SettingsError(
            f"the token in {path} has {len(token)} bytes",
            expected=f"one word of at least {_MIN_TOKEN} ASCII characters",
            fix="Make one: openssl rand -hex 32.",
        )
    return token
