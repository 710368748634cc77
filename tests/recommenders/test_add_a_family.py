"""docs/how-to/add-a-recommender.md: its steps, followed to the letter, add a family that a night can serve."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.releases.release import current
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import LISTS
from pipeline.storage.tables import read_table
from tests.workspace import ROOT, SMALL, make_workspace, run

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "how-to" / "add-a-recommender.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
NIGHT = "2026-01-13"
PARAMS = SMALL | {"split.decision_days": 4, "gate.min_eligible_listeners": 15}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """A clone with the tests, in which the page's blocks were written to the files that they name."""
    root = tmp_path_factory.mktemp("family") / "w"
    folder = make_workspace(root, recipes=["popular"], params=PARAMS, listeners=60, days=12, store=migrated)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("bench", "docs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "results"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, text in BLOCK.findall(PAGE):
        file = folder / name
        if file.suffix == ".yaml":
            merged = _merged(yaml.safe_load(file.read_text(encoding="utf-8")), yaml.safe_load(text))
            file.write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")
        else:
            assert not file.exists()
            file.write_text(text, encoding="utf-8")
    run(folder, sys.executable, "-m", "pipeline.dvcfile")  # what `make dvc-yaml` runs
    return folder


@pytest.fixture(scope="module")
def night(clone: Path) -> Path:
    """A night of the clone, whose lists are then made by the new family whatever the gate found."""
    run(clone, "netgain", "night", "--as-of", NIGHT, NETGAIN_ENGINE="inprocess")
    signed = ("--by", "Ada", "--reason", "a test", "--until", NIGHT, "--recipe", "colisten")
    run(clone, "netgain", "promote", "--override", *signed, NETGAIN_ENGINE="inprocess")
    return clone


def test_the_page_names_a_family_file_and_params_yaml_and_no_other() -> None:
    assert [name for name, _ in BLOCK.findall(PAGE)] == ["pipeline/recommenders/families/colisten.py", "params.yaml"]


def test_the_contract_covers_the_family_without_a_line(clone: Path) -> None:
    files = ("test_contract.py", "test_families.py", "test_fold_in.py")
    tests = [f"tests/recommenders/{file}" for file in files]
    told = run(clone, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "colisten", *tests).stdout
    n_passed = re.search(r"(\d+) passed", told)
    assert n_passed is not None
    assert int(n_passed.group(1)) >= 30
    assert "failed" not in told


def test_it_is_fitted_and_evaluated_and_the_gate_counts_its_hours(night: Path) -> None:
    assert (night / "data" / "models" / "colisten" / "seed-0" / "model.json").is_file()
    metrics = json.loads((night / "data" / "metrics" / "colisten.json").read_text(encoding="utf-8"))
    assert 0 < metrics["ndcg_at_20"] < 1
    record = read_json(night / "data" / "decision.json")
    assert record["recipes"]["colisten"]["family"] == "colisten"
    assert record["assumptions"]["maintenance_hours_per_year"]["colisten"] == 4
    assert record["assumptions"]["switching_hours"]["colisten"] == 2


def test_it_is_served_with_reasons_of_its_own(night: Path) -> None:
    release = current(night / "releases")
    assert release.recipe == "colisten"
    reasons = set(read_table(night / "data" / "lists.parquet", LISTS)["reason"].to_pylist())
    assert any(reason.startswith("because you play ") for reason in reasons)


def test_it_can_be_tuned(night: Path) -> None:
    told = run(night, "netgain", "tune", "colisten", "--trials", "2", NETGAIN_ENGINE="inprocess").stdout
    assert "neighbours 100" in told


def _merged(tree: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping with the entries of another, mappings within it merged likewise."""
    inner = {key for key, value in more.items() if isinstance(value, dict) and isinstance(tree.get(key), dict)}
    return {**tree, **more, **{key: _merged(tree[key], more[key]) for key in inner}}
