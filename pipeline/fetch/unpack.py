"""Land members of an archive by their file names; their folders, which could lead anywhere, are dropped."""

import fnmatch
import hashlib
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pipeline.fetch.catalogue import Member
from pipeline.fetch.download import FetchError
from pipeline.storage.atomic import atomic_path


def unpack(archive: Path, members: Sequence[Member], out: Path) -> list[Path]:
    """Land the members that match; a file that is already there with the same size stays.

    Args:
        archive: tar, compressed or not.
        members: the members to land.
        out: the landing folder.

    Returns:
        Their paths.

    Raises:
        FetchError: it is not an archive, holds no such member or two of the same name, or a checksum differs.
    """
    landed: dict[str, Path] = {}
    try:
        with tarfile.open(archive) as tar:
            for entry in tar:
                member = next((m for m in members if fnmatch.fnmatchcase(entry.name, m.pattern)), None)
                if member is None or not entry.isreg():
                    continue
                name = PurePosixPath(entry.name).name
                if name in landed:
                    raise FetchError(f"two members named {name}", expected="one", fix="Name it by a longer pattern.")
                landed[name] = out / name
                _land(tar, entry, member, out / name)
    except (tarfile.TarError, EOFError, OSError) as err:
        raise FetchError(
            f"{archive} cannot be unpacked: {err}", expected="a whole archive", fix="Remove it and fetch it again."
        ) from err
    if not landed:
        wanted = ", ".join(member.pattern for member in members)
        raise FetchError(f"{archive} holds no {wanted}", expected="logs", fix="Correct the data set's members.")
    return list(landed.values())


def _land(tar: tarfile.TarFile, entry: tarfile.TarInfo, member: Member, path: Path) -> None:
    if path.exists() and path.stat().st_size == entry.size:
        return
    source = tar.extractfile(entry)
    assert source is not None, "a regular file"
    with atomic_path(path) as temporary:
        with temporary.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        if member.md5 is not None:
            with temporary.open("rb") as file:
                found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if found != member.md5:
                raise FetchError(f"{path.name} has MD5 {found}", expected=member.md5, fix="Fetch it again.")
