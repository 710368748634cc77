"""A PostgreSQL server of the tests' own: a temporary cluster on a Unix socket, if its binaries are installed."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_ROLE = "netgain"
_AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
_IN_A_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--")
_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


def missing() -> str | None:
    """Return why no server can be started here; None if one can."""
    if not _binary("pg_ctl"):
        return "PostgreSQL's binaries are not installed (Debian: apt-get install postgresql)"
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed (the extra `postgres`)"
    if _prefix() is None:
        return "PostgreSQL does not run as the superuser, and there is no other user to run it"
    return None


@contextmanager
def cluster() -> Iterator[str]:
    """Start a server; yields the URI of its empty database `postgres`, which others are made from."""
    folder = Path(tempfile.mkdtemp(prefix="netgain-pg-"))  # a socket's path has 107 bytes: pytest's folders are longer
    if _prefix() == _AS_POSTGRES:
        shutil.chown(folder, "postgres", "postgres")
    control = [_binary("pg_ctl"), "-D", str(folder / "data"), "-w", "-s"]
    try:
        _run(folder, _binary("initdb"), "-D", str(folder / "data"), "-U", _ROLE, "-A", "trust", "-N", "-E", "UTF8")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        _run(folder, *control, "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql+psycopg://{_ROLE}@/postgres?host={folder}"
        _run(folder, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _prefix() -> tuple[str, ...] | None:
    """Return a prefix for commands of PostgreSQL, which refuses to run as the superuser; None if nothing helps."""
    if os.geteuid() != 0:
        return ()
    for prefix in (_AS_POSTGRES, _IN_A_NAMESPACE):
        works = subprocess.run([*prefix, "test", "-w", "/dev/null"], capture_output=True, check=False)
        if works.returncode == 0:
            return prefix
    return None


def _binary(name: str) -> str:
    found = shutil.which(name)
    return found or (str(_INSTALLED[-1].with_name(name)) if _INSTALLED else "")


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run([*(_prefix() or ()), *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
