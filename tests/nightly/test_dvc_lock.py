"""A dvc.lock that DVC cannot read is said by name, by a night and by doctor."""

from pathlib import Path

import pytest

from pipeline.doctor import locks
from pipeline.errors import ParamsError
from pipeline.nightly.dvc_lock import lock_fault, require_lock
from pipeline.settings import load_settings

GOOD = "schema: '2.0'\nstages:\n  ingest:\n    cmd: netgain stage ingest\n"
CONFLICT = f"<<<<<<< HEAD\n{GOOD}=======\nschema: '2.0'\n>>>>>>> theirs\n"


@pytest.mark.parametrize("text", [None, "", GOOD])
def test_a_whole_file_and_none_are_fine(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "dvc.lock").write_text(text)
    assert lock_fault(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (CONFLICT.encode(), "has the conflict of a merge in it"),
        (GOOD.encode() + b"  [", "is damaged in line"),
        (b"\xff\xfe", "cannot be read"),
        (b"stages: 3\n", "holds no stages"),
        (b"[]", "holds no stages"),
    ],
)
def test_a_damaged_one_is_named(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "dvc.lock").write_bytes(content)
    with pytest.raises(ParamsError, match=f"^dvc.lock {fault}"):
        require_lock(tmp_path)
    found = locks.look(load_settings({}, workspace=tmp_path))
    assert [(each.level, each.found.startswith(f"dvc.lock {fault}")) for each in found] == [("fail", True)]
