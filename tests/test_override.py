"""An override is signed, carried out and recorded until it expires, and does not count as proof."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.releases.release import current
from pipeline.simulation.simulate import simulate
from pipeline.state.ledger import OVERRIDES
from pipeline.state.rows import entries
from tests.workspace import SMALL, make_workspace, run

pytestmark = pytest.mark.slow

START, DAYS = dt.date(2026, 1, 1), 12
NIGHTS = [START + dt.timedelta(days=DAYS + n) for n in range(2)]
PARAMS = SMALL | {"split.decision_days": 4, "gate.min_eligible_listeners": 15}


def netgain(workspace: Path, *arguments: str, **more: Any) -> Any:
    return run(workspace, "netgain", *arguments, NETGAIN_ENGINE="inprocess", **more)


def record(workspace: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((workspace / "data" / "decision.json").read_text())
    return found


@pytest.fixture(scope="module")
def overridden(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """A night whose gate keeps the popular list, followed by an override."""
    # A gain that is worth nothing: the gate keeps what costs nothing.
    params = PARAMS | {"economics.margin_per_listener_day": 1e-6}
    workspace = make_workspace(
        tmp_path_factory.mktemp("override") / "w", recipes=["popular", "item_knn"], params=params
    )
    simulate(n_listeners=60, n_days=DAYS, seed=1, start=START, out=workspace / "landing")
    netgain(workspace, "night", "--as-of", str(NIGHTS[0]))
    before = record(workspace)
    netgain(workspace, "promote", "--override", "--by", "Ada", "--reason", "a campaign", "--until", str(NIGHTS[0]))
    return workspace, before, record(workspace)


def test_the_verdict_stays_and_the_recipe_is_served(
    overridden: tuple[Path, dict[str, Any], dict[str, Any]],
) -> None:
    workspace, before, after = overridden
    assert (before["verdict"], before["serve"]["recipe"], before["override"]) == ("KEEP", "popular", None)
    assert after["verdict"] == "KEEP"
    assert after["gate_recipe"] == "popular"
    assert after["serve"] == {"source": "refit", "recipe": "item_knn"}
    assert [each["challengers"][0]["clock"]["analysis"] for each in (before, after)] == [1, 1]
    told = {"recipe": "item_knn", "by": "Ada", "reason": "a campaign", "since": str(NIGHTS[0]), "until": str(NIGHTS[0])}
    assert after["override"] == told
    assert f"OVERRIDE by Ada until {NIGHTS[0]}: item_knn is served (a campaign)." in after["sentence"]
    assert current(workspace / "releases").recipe == "item_knn"
    netgain(workspace, "replay")


def test_after_its_last_night_the_gates_own_choice_is_the_champion_again(
    overridden: tuple[Path, dict[str, Any], dict[str, Any]],
) -> None:
    workspace, _, _ = overridden
    simulate(n_listeners=60, n_days=DAYS + 1, seed=1, start=START, out=workspace / "landing")
    netgain(workspace, "night", "--as-of", str(NIGHTS[1]))
    after = record(workspace)
    assert after["override"] is None
    assert after["champion"] == "popular"
    assert after["challengers"][0]["clock"]["analysis"] == 2
    assert "item_knn is served, but not by the gate" in after["notes"][0]
    assert current(workspace / "releases").recipe == "popular"


def test_the_second_interim_analysis_of_a_pair_is_pooled_with_the_first_and_can_be_replayed(
    overridden: tuple[Path, dict[str, Any], dict[str, Any]],
) -> None:
    workspace, before, _ = overridden
    after = record(workspace)
    first, pooled = (each["challengers"][0]["comparison"] for each in (before, after))
    tonight = {name: pl.read_parquet(workspace / "data" / f"evaluation/{name}.parquet") for name in after["recipes"]}
    means = {name: float(table["ndcg"].mean()) for name, table in tonight.items()}
    assert (first["n_nights"], pooled["n_nights"]) == (1, 2)
    assert pooled["delta"] == pytest.approx((first["delta"] + means["item_knn"] - means["popular"]) / 2)
    assert pooled["champion_mean"] == pytest.approx((first["champion_mean"] + means["popular"]) / 2)
    assert "over 2 nights" in after["sentence"]
    kept = sorted(path.stem[:10] for path in (workspace / "ledger" / "influence").iterdir())
    assert kept == [str(night) for night in NIGHTS]
    netgain(workspace, "replay")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--by": " "}, "--by"),
        ({"--until": "2020-01-01"}, "--until"),
        ({"--recipe": "nothing"}, "'nothing'"),
        ({"--override": None}, "--override"),
    ],
)
def test_an_override_without_a_name_a_date_or_a_recipe_is_one_clear_line(
    overridden: tuple[Path, dict[str, Any], dict[str, Any]], change: dict[str, str | None], said: str
) -> None:
    workspace, _, _ = overridden
    asked: dict[str, str | None] = {"--by": "Ada", "--reason": "why", "--until": "2030-01-01"} | change
    flags = [] if "--override" in change else ["--override"]
    arguments = [word for name, value in asked.items() if value is not None for word in (name, value)]
    before = entries(workspace / "ledger", OVERRIDES)
    done = run(workspace, "netgain", "promote", *flags, *arguments, check=False)
    assert done.returncode == 2
    assert said in done.stdout
    assert done.stdout.count("\n") == 1
    assert entries(workspace / "ledger", OVERRIDES) == before
