"""The key of the workspace's tokens, and the refusal of any other: it would rename every listener."""

from pipeline.errors import SettingsError
from pipeline.identity.tokens import OPEN_FINGERPRINT, OPEN_KEY, fingerprint
from pipeline.settings import Settings
from pipeline.state.location import Where
from pipeline.state.rows import Rows, snapshot

SETTING = "id_key"
"""The fingerprint's key in the table `meta`."""


def own_key(settings: Settings) -> bytes:
    """Return this machine's key: NETGAIN_ID_KEY, or the open key; whether it is the workspace's is not checked."""
    return settings.id_key or OPEN_KEY


def workspace_key(settings: Settings) -> bytes:
    """Return the key of the workspace's tokens: for every command that maps ids.

    Before the first night, this is the machine's key.

    Raises:
        SettingsError: the nights of this workspace had another key.
    """
    key = own_key(settings)
    if (found := recorded_key(settings.state)) is not None:
        require_key(key, found, of="this workspace")
    return key


def recorded_key(where: Where) -> str | None:
    """Return the fingerprint of the key of the nights so far; None before the first one."""
    with snapshot(where) as state:
        return state.setting(SETTING)


def record_key(state: Rows, key: bytes) -> None:
    """Enter the key of the workspace in place of an earlier one."""
    state.unset(SETTING)
    state.set(SETTING, fingerprint(key))


def require_key(key: bytes, recorded: str, *, of: str) -> None:
    """Check a key against the fingerprint of the one that was used.

    Args:
        key: the machine's.
        recorded: a fingerprint.
        of: what was made with it, for the message.

    Raises:
        SettingsError: it is another key.
    """
    mine = fingerprint(key)
    if mine == recorded:
        return
    if recorded == OPEN_FINGERPRINT:
        raise SettingsError(
            f"NETGAIN_ID_KEY is set, and {of} has no secret key",
            expected="no key",
            fix="Unset it, or rename all listeners under it once: `netgain state rekey`.",
        )
    raise SettingsError(
        "NETGAIN_ID_KEY is not set" if key == OPEN_KEY else f"NETGAIN_ID_KEY is not the key of {of}, but {mine}",
        expected=f"the key of {of}, with the fingerprint {recorded}",
        fix="Set it from your secret store.",
    )
