"""Download a file over HTTP, resuming where an interrupted download stopped.

`NAME.part` holds the bytes received so far, `NAME.part.json` the file's address, size and validator. The rest is
requested with If-Range: if the file has changed, or the server does not support ranges, the download starts over. The
file gets its name only after its size and checksum have been checked.
"""

import json
import random
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from pipeline.errors import NetgainError
from pipeline.storage.atomic import sync_folder
from pipeline.storage.checksums import fact
from pipeline.storage.json_files import write_json

CHUNK = 1 << 18
TRIES = 5
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_REDIRECTS = 5

Progress = Callable[[int, int | None], None]
"""(bytes received, total bytes or None if the server does not say) → nothing; called as bytes arrive."""


class FetchError(NetgainError):
    """A data set cannot be downloaded, or fails a check."""


class _AgainError(Exception):
    """A failure that a retry may not meet."""


def download(
    url: str, target: Path, *, sha256: str | None, progress: Progress, wait: Callable[[float], None] = time.sleep
) -> str:
    """Download a file, or check one that is already there.

    Args:
        url: http or https.
        target: the path to write.
        sha256: the expected checksum; None: that of the first download, stored in `target` + ".sha256".
        progress: called as bytes arrive.
        wait: sleeps between tries [s].

    Returns:
        Its SHA-256.

    Raises:
        FetchError: it cannot be downloaded, or its checksum differs; then it is moved to `target` + ".bad".
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    noted = target.with_name(f"{target.name}.sha256")
    expected = sha256 or (noted.read_text(encoding="utf-8").strip() if noted.exists() else None)
    part = target.with_name(f"{target.name}.part")
    if not target.exists():
        for tried in range(1, TRIES + 1):
            try:
                _fetch(url, part, progress)
                break
            except (_AgainError, httpx.TransportError) as err:
                if tried == TRIES:
                    raise FetchError(
                        f"{url} gave up after {TRIES} tries: {err}",
                        expected="a server that answers",
                        fix="Run it again: it resumes where it stopped.",
                    ) from err
                wait(2**tried * random.uniform(0.5, 1))  # noqa: S311 (jitter, not a secret)
    complete = target if target.exists() else part
    found = str(fact(complete)["sha256"])
    if expected is not None and found != expected:
        bad = target.with_name(f"{target.name}.bad")
        complete.replace(bad)
        _notes(part).unlink(missing_ok=True)
        raise FetchError(
            f"{url} has SHA-256 {found[:12]}…; it was moved to {bad}",
            expected=f"{expected[:12]}…",
            fix="Run it again. If the checksum differs again, the data set has changed.",
        )
    if complete is part:
        part.replace(target)
        sync_folder(target.parent)
        _notes(part).unlink(missing_ok=True)
    if sha256 is None:
        noted.write_text(found + "\n", encoding="utf-8")
    return found


def _fetch(url: str, part: Path, progress: Progress) -> None:
    with httpx.Client(timeout=30, headers={"Accept-Encoding": "identity"}) as client:
        there, known = _there(part, url)
        headers = {"Range": f"bytes={there}-", "If-Range": known["validator"]} if there else {}
        with closing(_get(client, url, headers)) as response:
            if response.status_code == httpx.codes.PARTIAL_CONTENT and _continues(response, there):
                total = known["bytes"]
            elif response.status_code == httpx.codes.OK:
                there = 0
                length = response.headers.get("Content-Length")
                total = int(length) if length else None
                write_json(_notes(part), {"url": url, "validator": _validator(response), "bytes": total})
            else:
                _forget(part)
                raise _AgainError(f"status {response.status_code} does not resume where the download stopped")
            with part.open("r+b" if there else "wb") as file:
                file.seek(there)
                for chunk in response.iter_raw(CHUNK):
                    file.write(chunk)
                    there += len(chunk)
                    progress(there, total)
                file.truncate()
        if total is not None and there != total:
            raise _AgainError(f"{there:,} of {total:,} bytes arrived")


def _get(client: httpx.Client, url: str, headers: dict[str, str]) -> httpx.Response:
    """Send a request, follow redirects to the same scheme or to https, and return the response.

    Raises:
        FetchError: the server does not have the file.
        _AgainError: the server fails for now.
    """
    for _ in range(_REDIRECTS):
        request = client.build_request("GET", url, headers=headers)
        response = client.send(request, stream=True)
        if response.is_redirect and response.next_request is not None:
            response.close()
            before, url = urlsplit(url).scheme, str(response.next_request.url)
            if urlsplit(url).scheme not in (before, "https"):
                raise FetchError(f"a redirect to {url}", expected="https", fix="Correct the address.")
            continue
        if response.status_code in _TRANSIENT:
            response.close()
            raise _AgainError(f"status {response.status_code}")
        if response.is_client_error and response.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            response.close()
            raise FetchError(f"{url}: status {response.status_code}", expected="the file", fix="Correct the address.")
        return response
    raise FetchError(f"{url}: more than {_REDIRECTS} redirects", expected="the file", fix="Correct the address.")


def _there(part: Path, url: str) -> tuple[int, dict[str, Any]]:
    """Return how many bytes a download can resume from, and the notes on the complete file."""
    try:
        known = json.loads(_notes(part).read_text(encoding="utf-8"))
        if known["url"] == url and known["validator"] and known["bytes"]:
            return min(part.stat().st_size, known["bytes"] - 1), known
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, {}


def _continues(response: httpx.Response, there: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {there}-")


def _validator(response: httpx.Response) -> str | None:
    """Return the validator for If-Range: a strong ETag, else Last-Modified. A weak ETag may cover different bytes."""
    etag: str | None = response.headers.get("ETag")
    modified: str | None = response.headers.get("Last-Modified")
    return etag if etag and not etag.startswith("W/") else modified


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)
