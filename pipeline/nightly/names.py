"""One kind of names in a workspace: a night goes on with the key of earlier nights, or says what to run first."""

from pipeline.errors import ReleaseError, TableError
from pipeline.identity.key import SETTING, own_key, record_key, recorded_key, require_key
from pipeline.logs.manifest import TABLE as LANDED
from pipeline.releases.release import open_release, release_ids
from pipeline.settings import Settings
from pipeline.stages.layout import Layout
from pipeline.state.rows import entries, transaction
from pipeline.storage.json_files import read_json


def night_key(settings: Settings) -> bytes:
    """Return the key of tonight's tokens.

    Raises:
        SettingsError: earlier nights had another key.
        TableError: earlier nights named listeners by their ids.
    """
    key, recorded = own_key(settings), recorded_key(settings.state)
    if recorded is not None:
        require_key(key, recorded, of="this workspace")
        return key
    if from_before_tokens(settings):
        raise TableError(
            "earlier nights named listeners as their logs do",
            expected="tokens",
            fix="Run `netgain state migrate` once: it renames them everywhere (docs/how-to/upgrade.md).",
        )
    for name in release_ids(settings.releases):  # the state was lost, and the releases tell
        if (found := _key_of_release(settings, name)) is not None:
            require_key(key, found, of=f"release {name}")
    return key


def keep_key(settings: Settings, key: bytes) -> None:
    """Enter the key of the first night as that of the workspace."""
    with transaction(settings.state) as state:
        if state.setting(SETTING) is None:
            record_key(state, key)


def from_before_tokens(settings: Settings) -> bool:
    """Return whether nights of an earlier version left names that are not tokens of a recorded key."""
    if recorded_key(settings.state) is not None:
        return False
    layout = Layout(settings.workspace)
    releases = [_key_of_release(settings, name) for name in release_ids(settings.releases)]
    if releases:
        return None in releases
    opened = layout.landing.exists() and "id_key" not in read_json(layout.landing) and layout.plays.is_dir()
    return opened or bool(entries(settings.state, LANDED))


def _key_of_release(settings: Settings, name: str) -> str | None:
    """Return the fingerprint in a release; of a damaged one, that of this machine's key, as it tells nothing."""
    try:
        return open_release(settings.releases, name).id_key
    except ReleaseError:
        from pipeline.identity.tokens import fingerprint

        return fingerprint(own_key(settings))
