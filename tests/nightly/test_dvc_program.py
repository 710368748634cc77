"""A dvc.lock that a night writes has the bytes that DVC would write."""

import copy
from pathlib import Path
from typing import Any

import dvc.dvcfile
import pytest
from dvc.utils.serialize import modify_yaml
from dvc.utils.serialize._yaml import parse_yaml

from pipeline.nightly.dvc_program import modify_lock, split_lock
from tests.workspace import ROOT

WHOLE = (ROOT / "dvc.lock").read_text(encoding="utf-8")
TEXT = "schema: '2.0'\nstages:\n" + "".join((split_lock(WHOLE) or {})[name] for name in ("fit@als", "decide"))
STAGES = parse_yaml(TEXT, "dvc.lock")["stages"]
VALUES = {
    "tiny": 1e-05,
    "digits": "0123",
    "none": None,
    "lines": "a\n  b: c:\n",
    "long": "word " * 40,
    "list": [1, 2.0],
}


def write(into: Path, stages: dict[str, Any], *, modify: Any, text: str = TEXT) -> str:
    """Set stages one after the other, as `dvc repro` does, and return the file."""
    file = into / "dvc.lock"
    file.write_text(text, encoding="utf-8")
    for name, data in stages.items():
        with modify(file) as content:
            content["stages"] = content.get("stages", {})
            assert content["stages"].get(name, {}) == STAGES.get(name, {})
            content["stages"].update({name: copy.deepcopy(data)})
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "stages",
    [
        STAGES,
        {"decide": STAGES["decide"] | {"cmd": "echo 'it''s' # \"odd\"", "params": {"params.yaml": VALUES}}},
        {"fit@another": STAGES["fit@als"], "decide": STAGES["decide"], "fit@one-more": STAGES["fit@als"]},
    ],
    ids=["as it is", "other values", "new stages"],
)
def test_the_bytes_are_those_of_dvc(tmp_path: Path, stages: dict[str, Any]) -> None:
    assert write(tmp_path, stages, modify=modify_lock) == write(tmp_path, stages, modify=modify_yaml)


def test_the_file_is_read_by_its_stages() -> None:
    texts = split_lock(WHOLE)
    assert texts is not None
    assert texts.keys() == parse_yaml(WHOLE, "dvc.lock")["stages"].keys()
    assert WHOLE.endswith("".join(texts.values()))


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "datasets: []\n",
        TEXT.replace("  decide:\n", '  "decide":\n'),
        TEXT.replace("'2.0'", '"2.0"'),
        "",
        "stages",
    ],
    ids=["datasets", "a quoted name", "a quoted schema", "empty", "cut off"],
)
def test_a_file_of_another_form_is_left_to_dvc(tmp_path: Path, text: str) -> None:
    assert split_lock(text) is None
    if ":" in text:
        decide = {"decide": STAGES["decide"] | {"cmd": "echo"}}
        found = write(tmp_path, decide, modify=modify_lock, text=text)
        assert found == write(tmp_path, decide, modify=modify_yaml, text=text)


def test_a_file_that_is_missing_is_left_to_dvc(tmp_path: Path) -> None:
    with modify_lock(tmp_path / "dvc.lock") as content:
        content.update({"schema": "2.0", "stages": {"decide": STAGES["decide"]}})
    assert split_lock((tmp_path / "dvc.lock").read_text(encoding="utf-8")) is not None


def test_dvc_still_writes_its_lock_by_the_function_that_is_replaced() -> None:
    assert dvc.dvcfile.modify_yaml is modify_yaml
    assert "modify_yaml" in dvc.dvcfile.Lockfile.dump_stages.__code__.co_names
