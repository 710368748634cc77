"""Where listeners are, without removing anything."""

from collections import Counter
from collections.abc import Collection

from pipeline.erasure.landing import count_rows
from pipeline.erasure.requests import FOLDER
from pipeline.erasure.scan import places, search_files
from pipeline.erasure.sought import Sought
from pipeline.identity.erased import Erased, digest_of
from pipeline.identity.tokens import fingerprint, token_of
from pipeline.logs.landing import read_landing
from pipeline.logs.pseudonyms import PrivacyRules
from pipeline.settings import Settings
from pipeline.stages.layout import Layout

_SALT = "00"


def files_with(settings: Settings, listeners: Collection[str], key: bytes) -> dict[str, int]:
    """Return the number of files in each place that contain these listeners.

    Args:
        settings: of the machine.
        listeners: ids as their logs have them.
        key: of the workspace's tokens.
    """
    tokens = {token_of(each, key) for each in listeners}
    found: Counter[str] = Counter({"landing": _landed(settings, tokens, key)})
    landing = settings.landing if settings.landing.is_dir() else settings.workspace
    for folder in places(settings, landing):
        for path in search_files([folder], Sought(frozenset(tokens)), but=[settings.ledger / FOLDER]).files:
            here = path.relative_to(folder)
            found["/".join(here.parts[: 2 if here.parts[0] == ".dvc" else 1])] += 1
    return dict(found)


def _landed(settings: Settings, tokens: Collection[str], key: bytes) -> int:
    """Return the number of landed files of the open night with rows of theirs."""
    layout = Layout(settings.workspace)
    if not layout.landing.exists():
        return 0
    erased = Erased(_SALT, {fingerprint(key): frozenset(digest_of(token, _SALT) for token in tokens)})
    landing, privacy = read_landing(layout.landing, workspace=settings.workspace), PrivacyRules(key, erased)
    return sum(bool(count_rows(landing, file, privacy)) for file in landing.files)
