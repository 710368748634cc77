"""What nights write is readable by its owner alone, and a full disk is said as such."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import SettingsError
from pipeline.features.model_folder import atomic_folder
from pipeline.storage.arrays import write_array
from pipeline.storage.json_files import write_json
from pipeline.storage.permissions import granted, restrict


@pytest.fixture(autouse=True)
def mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("setting", "file", "folder"), [({}, 0o600, 0o700), ({"NETGAIN_UMASK": "027"}, 0o640, 0o750)])
def test_files_and_folders_have_the_rights_that_the_operator_grants(
    setting: dict[str, str], file: int, folder: int, tmp_path: Path
) -> None:
    restrict(setting)
    write_json(tmp_path / "made" / "a.json", {})
    with atomic_folder(tmp_path / "model") as temporary:
        (temporary / "in").mkdir()
        (temporary / "in" / "b").write_text("x")
    assert [rights(tmp_path / name) for name in ("made/a.json", "model/in/b")] == [file] * 2
    assert [rights(tmp_path / name) for name in ("made", "model", "model/in")] == [folder] * 3
    assert granted(0o644) == file


@pytest.mark.parametrize("text", ["9", "77777", "rwx", "0o77"])
def test_a_mask_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="NETGAIN_UMASK"):
        restrict({"NETGAIN_UMASK": text})


def test_an_array_has_the_bytes_that_numpy_writes(tmp_path: Path) -> None:
    array = np.arange(100_000, dtype=np.float32).reshape(-1, 4)
    write_array(tmp_path / "a.npy", array)
    np.save(tmp_path / "b.npy", array)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full_is_said_as_such() -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        write_array(Path("/dev/full"), np.zeros(1_000_000))
    assert caught.value.errno == errno.ENOSPC
