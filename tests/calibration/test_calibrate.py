"""`netgain calibrate` as a whole, on few listeners with few repetitions."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.calibration.calibrate import calibrate
from pipeline.calibration.refits import Size
from pipeline.reports.calibration import render_calibration
from pipeline.settings import load_settings
from tests.reports.test_page import Balance
from tests.workspace import SMALL, make_workspace

SIZE = Size(n_listeners=300, n_days=16, n_seeds=6, n_windows=2)
RECIPES = ["popular", "item_knn", "rp3beta", "als", "blend"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], dict[str, Any]]:
    """The workspace, the printed lines and the result."""
    params = SMALL | {"gate.seeds": 3, "recipes.als.factors": 8, "recipes.als.regularization": 1.0}
    workspace = make_workspace(tmp_path_factory.mktemp("calibration") / "w", recipes=RECIPES, params=params)
    said: list[str] = []
    found = calibrate(load_settings({}, workspace=workspace), said.append, size=SIZE, scale=0.02)
    return workspace, said, found


def test_every_property_has_a_figure_and_a_target(ran: tuple[Path, list[str], dict[str, Any]]) -> None:
    _, said, found = ran
    properties = ["A/A", "power", "coverage", "value", "invertibility", "mutations", "Netflix"]
    assert [proof["property"] for proof in found["proofs"]] == properties
    assert all(proof["target"] and proof["summary"] and isinstance(proof["met"], bool) for proof in found["proofs"])
    assert all(said[i - 7].endswith(proof["summary"]) for i, proof in enumerate(found["proofs"]))
    proofs = {proof["property"]: proof for proof in found["proofs"]}
    # Four horizons cannot bound a rate by 6.1 %; that none of them was wrong is all that so few can say.
    assert proofs["A/A"]["figures"]["horizons"]["gate"]["rate"] == 0
    assert proofs["invertibility"]["met"]
    assert proofs["mutations"]["met"]
    json.dumps(found, allow_nan=False)


def test_refits_are_reused(ran: tuple[Path, list[str], dict[str, Any]]) -> None:
    workspace, _, found = ran
    again: list[str] = []
    repeated = calibrate(load_settings({}, workspace=workspace), again.append, size=SIZE, scale=0.02)
    assert again[0] == "using the refits of an earlier run"
    assert repeated == found


def test_the_page_shows_every_proof_and_is_self_contained(ran: tuple[Path, list[str], dict[str, Any]]) -> None:
    html = render_calibration(ran[2])
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert "http" not in html.replace("http-equiv", "")
    assert html.count("<svg") == 3
    for proof in ran[2]["proofs"]:
        assert f"<td>{proof['property']}</td>" in html
    assert render_calibration(ran[2]) == html
