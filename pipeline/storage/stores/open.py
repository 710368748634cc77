"""From a URI to its store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipeline.places import require_store, scheme_of
from pipeline.storage.stores.store import Store


def open_store(uri: str) -> Store:
    """Return the store that a URI names.

    Raises:
        SettingsError: it names none.
    """
    require_store(uri, named="a store")
    if scheme_of(uri) == "file":
        from pipeline.storage.stores.folder import FolderStore

        return FolderStore(Path(unquote(urlsplit(uri).path)))
    from pipeline.storage.stores.bucket import BucketStore

    return BucketStore(uri)
