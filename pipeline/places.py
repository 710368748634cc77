"""Tell folders of this machine from addresses elsewhere: as a path, `s3://bucket` would become a local folder `s3:`."""

import re
from pathlib import Path

from pipeline.errors import SettingsError

# Two letters at least, so that `C:/` is a path; Path has merged the slashes where it has seen the text.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


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
