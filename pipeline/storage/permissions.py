"""Who may read what nights write: their owner alone, unless NETGAIN_UMASK widens it."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import SettingsError

OWN = 0o077
_STATUS = Path("/proc/self/status")


def restrict(environ: Mapping[str, str] = os.environ) -> None:
    """Set the mask of this process and those that it starts: NETGAIN_UMASK, by default that of the owner alone.

    Raises:
        SettingsError: NETGAIN_UMASK is not a mask in octal digits.
    """
    text = environ.get("NETGAIN_UMASK") or f"{OWN:03o}"
    if not re.fullmatch("0?[0-7]{3}", text):
        raise SettingsError(
            f"NETGAIN_UMASK = {text[:40]!r}", expected="three octal digits, such as 027", fix="Set or unset it."
        )
    os.umask(int(text, 8))


def granted(mode: int) -> int:
    """Return the rights of `mode` that this process's mask leaves."""
    return mode & ~_mask()


def _mask() -> int:
    try:  # os.umask can only be read by setting it, which other threads would notice
        found = re.search(r"^Umask:\s*([0-7]+)$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1], 8)
    mask = os.umask(OWN)
    os.umask(mask)
    return mask
