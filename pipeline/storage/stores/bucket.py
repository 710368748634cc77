"""A store that is a bucket of S3 or of a compatible service, by obstore (ADR 0032).

Credentials, endpoint and region are the usual variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL,
AWS_REGION. Conditional writes are those of S3 itself: If-None-Match for exclusive creation, If-Match for a swap.
"""

import datetime as dt
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.storage.atomic import atomic_path
from pipeline.storage.stores.store import StoreAway, Stored, StoreRefused

if TYPE_CHECKING:
    from obstore.store import S3Store

_CHUNK = 8 * 2**20
_CONNECT = dt.timedelta(seconds=5)
_ANSWER = dt.timedelta(minutes=5)
"""Of one request, the bytes of a part of a large object included."""
_RETRY = dt.timedelta(seconds=20)


class BucketStore:
    """Objects of a bucket under a prefix; an object's version is its ETag."""

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is asked of the store yet."""
        parts = urlsplit(uri)
        self._prefix = parts.path.strip("/")
        self._bucket = parts.netloc.rpartition("@")[2]
        self.uri = f"s3://{self._bucket}/{self._prefix}".rstrip("/")
        self._store = _connect(self._bucket, self._prefix)

    def read(self, key: str) -> Stored | None:
        with self._named(), _missing_is_none():
            answer = self._store.get(key)
            return Stored(bytes(answer.bytes()), str(answer.meta["e_tag"]))
        return None

    def write(self, key: str, source: bytes | Path) -> None:
        with self._named():
            self._store.put(key, source)

    def create(self, key: str, source: bytes | Path) -> bool:
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._named():
            try:
                # In one request: of the parts of a multipart upload, no condition is asked everywhere.
                self._store.put(key, source, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    def swap(self, key: str, data: bytes, *, expected: str | None) -> bool:
        from obstore.exceptions import PreconditionError

        if expected is None:
            return self.create(key, data)
        with self._named():
            try:
                self._store.put(key, data, mode={"e_tag": expected}, use_multipart=False)
            except (PreconditionError, FileNotFoundError):
                return False
        return True

    def fetch(self, key: str, into: Path) -> str | None:
        with self._named(), _missing_is_none():
            answer, digest = self._store.get(key), hashlib.sha256()
            with atomic_path(into) as temporary, temporary.open("wb") as file:
                for part in answer.stream(min_chunk_size=_CHUNK):
                    file.write(part)
                    digest.update(part)
            return digest.hexdigest()
        return None

    def names(self, prefix: str = "") -> Iterator[str]:
        # S3 lists whole folders: the rest of the prefix is compared here.
        folder = prefix.rpartition("/")[0]
        with self._named():
            found = [str(meta["path"]) for part in self._store.list(folder or None) for meta in part]
        yield from sorted(key for key in found if key.startswith(prefix))

    def delete(self, key: str) -> None:
        with self._named(), _missing_is_none():
            self._store.delete(key)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Translate errors of the block.

        Raises:
            StoreAway: there is no answer.
            StoreRefused: there is no such bucket, or no access to it.
        """
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as err:
            raise StoreRefused(
                f"{self.uri} refuses these credentials, or has no such bucket",
                expected="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of an account that may read and write there",
                fix="Correct them.",
            ) from err
        except FileNotFoundError as err:
            raise StoreRefused(
                f"there is no bucket {self._bucket}",
                expected="an existing bucket",
                fix="Create it, or correct the URI.",
            ) from err
        except BaseError as err:
            if "NoSuchBucket" in str(err):
                raise StoreRefused(
                    f"there is no bucket {self._bucket}", expected="an existing bucket", fix="Create it."
                ) from err
            cause = str(err).split("Debug source", maxsplit=1)[0].split("\n", maxsplit=1)[0]
            raise StoreAway(
                f"{self.uri} does not answer: {cause[:200]}",
                expected="a reachable store, see AWS_ENDPOINT_URL",
                fix="Try again later, or correct the endpoint.",
            ) from err


@contextmanager
def _missing_is_none() -> Iterator[None]:
    """Suppress the error of an object that is not there; a missing bucket is another error."""
    try:
        yield
    except FileNotFoundError as err:
        if "NoSuchBucket" in str(err):
            raise


def _connect(bucket: str, prefix: str) -> "S3Store":
    from obstore.store import S3Store

    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return S3Store(
        bucket,
        prefix=prefix or None,
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        client_options={"connect_timeout": _CONNECT, "timeout": _ANSWER, "allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": 3, "retry_timeout": _RETRY},
    )
