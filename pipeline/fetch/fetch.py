"""`netgain fetch`: download a data set and land its logs."""

import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationError

from pipeline.errors import ParamsError
from pipeline.fetch.catalogue import Dataset, load_catalogue
from pipeline.fetch.download import Progress, download
from pipeline.fetch.unpack import unpack
from pipeline.storage.atomic import atomic_path

if TYPE_CHECKING:
    from rich.console import Console

_LINE_EVERY = 0.1


def choose(catalogue: Path, name: str, *, url: str | None, sha256: str | None) -> Dataset:
    """Return a data set of the catalogue, with another address or checksum if given.

    Raises:
        ParamsError: the catalogue has no such data set, or no address is known.
    """
    known = load_catalogue(catalogue)
    if name not in known:
        names = ", ".join(sorted(known))
        raise ParamsError(f"no data set {name!r}", expected=f"one of {names}", fix=f"See {catalogue}.")
    given = known[name].model_dump()
    if url is not None:
        given |= {"url": url, "sha256": None}
    if sha256 is not None:
        given |= {"sha256": sha256}
    try:
        dataset = Dataset.model_validate(given)
    except ValidationError as err:
        first = err.errors()[0]
        raise ParamsError(
            f"--{first['loc'][0]} = {first['input']!r}", expected=first["msg"], fix="Correct it."
        ) from err
    if dataset.url is None:
        raise ParamsError(f"{name} has no address", expected="--url", fix=f"Choose one: {dataset.title}.")
    return dataset


def fetch(dataset: Dataset, *, downloads: Path, out: Path, progress: Progress) -> tuple[list[Path], str]:
    """Download a data set and land its logs; files that are already there stay.

    Args:
        dataset: with an address.
        downloads: folder of archives.
        out: the landing folder.
        progress: called as bytes arrive.

    Returns:
        The landed files, and the archive's SHA-256.

    Raises:
        FetchError: it cannot be downloaded, or fails a check.
    """
    assert dataset.url is not None, "`choose` returns data sets with an address"
    archive = downloads / (PurePosixPath(urlsplit(dataset.url).path).name or "download")
    digest = download(dataset.url, archive, sha256=dataset.sha256, progress=progress)
    if dataset.members:
        return unpack(archive, dataset.members, out), digest
    with atomic_path(out / archive.name) as temporary:
        shutil.copyfile(archive, temporary)
    return [out / archive.name], digest


def shown(console: "Console", title: str) -> tuple[Progress, Callable[[], None]]:
    """Return a progress display (a bar on a terminal, else a line for each tenth) and a function that ends it."""
    if console.is_terminal:
        from rich import progress as rich

        columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.DownloadColumn())
        bar = rich.Progress(*columns, rich.TransferSpeedColumn(), rich.TimeRemainingColumn(), console=console)
        task = bar.add_task(title, total=None)
        bar.start()
        return (lambda there, total: bar.update(task, completed=there, total=total)), bar.stop
    next_line = 0.0

    def line(there: int, total: int | None) -> None:
        nonlocal next_line
        if total and there / total >= next_line:
            console.print(f"{title}: {there / 1e6:,.1f} of {total / 1e6:,.1f} MB")
            next_line = there / total + _LINE_EVERY

    return line, lambda: None
