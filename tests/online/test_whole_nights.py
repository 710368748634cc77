"""Two whole nights with the real server between them: all four designs at once. `make faults-serve` runs it."""

import datetime as dt
import os
import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.settings import load_settings
from pipeline.state.experiments import latest_results, request
from tests.serving.server import serving
from tests.workspace import make_workspace, run

EXPERIMENTS = {
    "knn": {"design": "split", "recipe": "item_knn", "share": 0.5},
    "mix": {"design": "interleave", "recipe": "item_knn", "share": 0.5},
    "value": {"design": "holdback", "share": 0.1, "max_loss": 0.5},
    "gaps": {"design": "withhold", "share": 1.0, "withheld": 0.2},
}


@pytest.mark.slow
@pytest.mark.skipif("NETGAIN_ROUND" not in os.environ, reason="two whole nights: make faults-serve")
def test_a_night_opens_experiments_and_the_next_one_estimates_them(tmp_path: Path) -> None:
    """A night may not lie in the future, so the first one is yesterday's, and the recorded times are put back a day."""
    today, day, n = dt.datetime.now(dt.UTC).date(), dt.timedelta(days=1), 60
    yesterday, start = today - day, today - 31 * day
    workspace = make_workspace(
        tmp_path / "w", recipes=("popular", "item_knn"), listeners=n, days=31, start=f"{start}",
        params={"gate.min_eligible_listeners": 30, "gate.seeds": 1},
    )  # fmt: skip
    path = workspace / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8")) | {"experiments": EXPERIMENTS}
    path.write_text(yaml.safe_dump(params), encoding="utf-8")
    state = load_settings({}, workspace=workspace).state
    for name in EXPERIMENTS:
        request(state, "open", name, by="ann", reason="to know")
    latest = sorted((workspace / "landing").glob("*.gz"))[-1]
    shutil.move(latest, tmp_path / latest.name)
    night = ("netgain", "night", "--format", "netgain,netgain-events", "--as-of")
    run(workspace, *night, f"{yesterday}", NETGAIN_ENGINE="inprocess")
    opened = {row["experiment"]: row for row in latest_results(state)}
    assert {row["result"]["state"] for row in opened.values()} == {"running"}
    assert opened.keys() == EXPERIMENTS.keys()
    with serving(workspace) as server:
        shown = [server.client.get(f"/v1/listeners/L{i:06d}/recommendations").json() for i in range(1, n + 1)]
    arms = {(each["experiment"], each["arm"]) for each in shown if each["lane"] == "own"}
    assert {("knn", "control"), ("knn", "treatment"), ("mix", "drafted"), ("value", "held_back")} <= arms
    for segment in (workspace / "landing" / "events").glob("*.events"):
        text = segment.read_text(encoding="utf-8")
        segment.write_text(text.replace(f'"at":"{today}', f'"at":"{yesterday}'), encoding="utf-8")
    shutil.move(tmp_path / latest.name, workspace / "landing" / latest.name)
    run(workspace, *night, f"{today}", NETGAIN_ENGINE="inprocess")
    found = {row["experiment"]: row["result"] for row in latest_results(state)}
    own = [each for each in shown if each["lane"] == "own"]
    assert sum(arm["exposed"] for arm in found["value"]["arms"]) == len(own)
    assert found["knn"]["listeners"] == sum(each["experiment"] == "knn" for each in own)
    assert found["mix"]["listeners"] == sum(each["experiment"] == "mix" for each in own)
    assert {each["contaminated"] for each in found.values()} == {0}
    # What was promoted in the first night is what the second one serves, so no experiment lost its control.
    assert {each["state"] for each in found.values()} == {"running"}
    page = (workspace / "reports" / "experiments.html").read_text(encoding="utf-8")
    assert all(name in page for name in EXPERIMENTS)
