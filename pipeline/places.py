"""Tell folders of this machine from addresses elsewhere: as a path, `s3://bucket` would become a local folder `s3:`."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import SettingsError

# Two letters at least, so that `C:/` is a path; Path has merged the slashes where it has seen the text.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
STORES = ("s3", "file")
"""Schemes of the stores in pipeline/storage/stores."""


def scheme_of(text: str | Path) -> str | None:
    """Return the scheme of an address, in lower case; None for a path of this machine.

    >>> scheme_of("s3://bucket/releases"), scheme_of(Path("s3://bucket")), scheme_of("releases"), scheme_of("./a:/b")
    ('s3', 's3', None, None)
    """
    found = _SCHEME.match(str(text))
    return found[1].lower() if found else None


def local_path(text: str | Path, *, named: str) -> Path:
    """Return a path of this machine.

    Args:
        text: as the user gave it.
        named: what the user set, for the error; the address itself may hold a password.

    Raises:
        SettingsError: it is an address.
    """
    if (scheme := scheme_of(text)) is not None:
        raise SettingsError(
            f"{named} is an address, {scheme}://…",
            expected="a folder or file of this machine",
            fix="Give a path; one whose name looks like an address begins with ./ .",
        )
    return Path(text)


def require_store(uri: str, *, named: str) -> None:
    """Check that a URI names a store, without asking it.

    Raises:
        SettingsError: its scheme is not supported, or it names no bucket or no absolute path.
    """
    parts = urlsplit(uri)
    whole = parts.netloc.rpartition("@")[2] if parts.scheme == "s3" else parts.path.startswith("/") and not parts.netloc
    if scheme_of(uri) not in STORES or not whole or "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingsError(
            f"{named} is an address, {scheme_of(uri)}://…, that Netgain cannot use",
            expected="s3://bucket/prefix or file:///folder, without credentials, or a folder",
            fix="Correct it; credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
