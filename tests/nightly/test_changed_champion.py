"""Nights in which params.yaml changes the recipe that is champion."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.stages.layout import Layout
from pipeline.storage.tables import read_json
from tests.workspace import SMALL, make_workspace, run

CHANGES = {"popular": {"window_days": 3}, "item_knn": {"neighbours": 7}}


def night(workspace: Path, as_of: str) -> str:
    # The verdict is not asked for: few listeners may end a night as INVALID.
    command = ("netgain", "night", "--as-of", as_of)
    return run(workspace, *command, check=False, NETGAIN_ENGINE="inprocess").stdout


def change(workspace: Path, changes: dict[str, dict[str, Any]]) -> None:
    params = workspace / "params.yaml"
    raw = yaml.safe_load(params.read_text(encoding="utf-8"))
    for name, values in changes.items():
        raw["recipes"][name] |= values
    params.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")


def released(workspace: Path) -> dict[str, Any]:
    name = (workspace / "releases" / "CURRENT").read_text(encoding="utf-8").strip()
    manifest: dict[str, Any] = read_json(workspace / "releases" / name / "manifest.json")
    return manifest


@pytest.mark.slow
def test_the_champion_stays_as_it_was_while_params_yaml_has_another_recipe_of_its_name(tmp_path: Path) -> None:
    small = {**SMALL, "split.decision_days": 4, "split.tuning_days": 4}
    workspace = make_workspace(tmp_path, recipes=["popular", "item_knn"], params=small, listeners=60, days=16)
    layout = Layout(workspace)
    night(workspace, "2026-01-15")
    assert yaml.safe_load(layout.champion.read_text(encoding="utf-8")) == {}
    first = released(workspace)
    name = first["recipe"]
    original = yaml.safe_load((workspace / "params.yaml").read_text(encoding="utf-8"))["recipes"][name]

    change(workspace, CHANGES)
    said = night(workspace, "2026-01-16")
    standing = yaml.safe_load(layout.champion.read_text(encoding="utf-8"))
    assert (standing["recipe"], standing["definition"], standing["frozen"]) == (name, first["definition"], False)
    assert standing["parameters"].items() >= original.items()
    carried = f"{name}-champion"
    fits = read_json(layout.fit_cost(carried))
    assert (fits["recipe"], len(fits["fits"])) == (carried, 1)
    assert read_json(layout.metrics(carried))["ndcg_at_20"] is not None
    model = read_json(layout.model(carried) / "seed-0" / "model.json")["params"]
    assert model.items() >= {key: value for key, value in original.items() if key != "family"}.items()
    record = read_json(layout.decision)
    assert {name, carried} <= record["recipes"].keys(), said
    second = released(workspace)
    assert second["recipe"] in {"popular", "item_knn"}  # never the carried name

    # Params.yaml says again what it said: there is nothing to carry.
    change(workspace, {name: original})
    run(workspace, sys.executable, "-m", "dvc", "repro", "evaluate_champion", NETGAIN_ENGINE="inprocess")
    assert read_json(layout.fit_cost(carried))["fits"] == []
    assert read_json(layout.metrics(carried))["ndcg_at_20"] is None
