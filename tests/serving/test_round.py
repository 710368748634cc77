"""One whole round: night, server, impressions and plays over HTTP, landing, and the next night, which speaks of them.

Two nights take minutes: `make faults-serve` runs them (NETGAIN_ROUND=1). The suite runs the parts that meet: what the
server wrote is what the inventory, the monitor and `why` read.
"""

import dataclasses
import datetime as dt
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.effects.monitor_metrics import watched
from pipeline.gate.listening import Listening
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.inventory import take_inventory
from pipeline.stages.shown import listening_of
from pipeline.state.rows import entries
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import PLAYS, RELEVANT
from pipeline.storage.tables import write_table
from tests.effects.test_monitor import serve as serve_lists
from tests.serving.made import make_release
from tests.serving.server import serving
from tests.stages.small_night import AS_OF, context
from tests.workspace import make_workspace, run

TODAY = dt.datetime.now(dt.UTC)


def play(
    event_id: str, listener: str, item: dict[str, str], impression: str | None, at: dt.datetime
) -> dict[str, object]:
    found = {
        "kind": "play", "event_id": event_id, "at": at.isoformat(), "listener_id": listener,
        "artist_id": item["item_id"], "artist_name": item["item_name"], "track_name": "A song", "ms_played": 200_000,
    }  # fmt: skip
    return found if impression is None else found | {"impression_id": impression}


def test_what_the_server_writes_is_what_the_monitor_reads(tmp_path: Path) -> None:
    """ann plays from her list and names the impression, bob does not name it; an unknown one gets the fallback."""
    make_release(tmp_path / "releases", tmp_path / "night")
    landing = tmp_path / "landing"
    landing.mkdir()
    with serving(tmp_path, "--no-newcomers", "--quiet") as server:
        answers = {
            name: server.client.get(f"/v1/listeners/{name}/recommendations").json() for name in ("ann", "bob", "x")
        }
        item = answers["ann"]["items"][0]
        event = play("e1", "ann", item, answers["ann"]["impression_id"], dt.datetime.now(dt.UTC))
        assert server.client.post("/v1/events", json={"events": [event]}).status_code == 202
    night = context(tmp_path / "next")
    tomorrow = (TODAY + dt.timedelta(days=1)).date()
    monitoring = night.params.monitoring.model_copy(update={"min_listeners": 2})
    params = night.params.model_copy(update={"monitoring": monitoring})
    night = dataclasses.replace(night, as_of=tomorrow, params=params)
    serve_lists(night, f"{TODAY:%Y-%m-%d}-0123456789ab")
    write_json(night.layout.landing, take_inventory(landing, "netgain-events", workspace=night.layout.root))
    bobs = {"artist_id": answers["bob"]["items"][4]["item_id"], "artist_name": "B", "track_id": "t", "track_name": "T"}
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    row = {
        "listener_id": token_of("bob", OPEN_KEY),
        "played_at": moment,
        "source": "netgain",
        "file": "f",
        "row": 0,
        **bobs,
    }
    day = night.layout.plays / f"day={moment.date()}" / "part-000.parquet"
    write_table(day, pa.Table.from_pylist([row], schema=PLAYS), PLAYS)
    write_json(night.layout.validation_report, {})
    figures = watched(night)["figures"]
    assert (figures["impressions"], figures["shown_listeners"]) == (3.0, 2.0)
    assert figures["shown_hit_rate"] == figures["hit_rate"] == 2 / 2  # ann by name, bob within the day
    assert tomorrow > AS_OF
    asked = item["item_id"], bobs["artist_id"], "never listed"
    tokens = [token_of(name, OPEN_KEY) for name in ("ann", "bob", "bob")]
    found = [
        {"listener_id": token, "item_id": each, "n_plays": 1, "first_day": moment.date()}
        for token, each in zip(tokens, asked, strict=True)
    ]
    write_table(night.layout.relevant, pa.Table.from_pylist(found, schema=RELEVANT), RELEVANT)
    assert listening_of(night) == Listening(discoveries=3, caused=2, impressions=3)


@pytest.mark.slow
@pytest.mark.skipif("NETGAIN_ROUND" not in os.environ, reason="two whole nights: make faults-serve")
def test_a_whole_round_from_a_night_to_the_next_one(tmp_path: Path) -> None:
    """A night may not lie in the future, so the first one is yesterday's, and the recorded times are put back a day."""
    today, day = TODAY.date(), dt.timedelta(days=1)
    yesterday, start = today - day, today - 31 * day
    settings = {"NETGAIN_ENGINE": "inprocess"}
    workspace = make_workspace(tmp_path / "w", recipes=("popular", "item_knn"), listeners=60, days=30, start=f"{start}")
    run(workspace, "netgain", "simulate", "--listeners", "60", "--days", "31", "--seed", "1", "--start", f"{start}",
        "--out", "more")  # fmt: skip
    night = ("netgain", "night", "--format", "netgain,netgain-events", "--as-of")
    run(workspace, *night, f"{yesterday}", **settings)
    with serving(workspace) as server:
        names = [f"L{n:06d}" for n in range(1, 61)]
        shown = {name: server.client.get(f"/v1/listeners/{name}/recommendations").json() for name in names}
        own = {name: answer for name, answer in shown.items() if answer["lane"] == "own"}
        assert len(own) >= 30
        events = [
            play(f"e{n}", name, answer["items"][n % 3], answer["impression_id"] if n % 2 else None, TODAY)
            for n, (name, answer) in enumerate(own.items())
            if n % 3 == 0
        ]
        events = [event | {"at": dt.datetime.now(dt.UTC).isoformat()} for event in events]
        assert server.client.post("/v1/events", json={"events": events}).status_code == 202
        release = server.client.get("/v1/releases/current").json()
        assert release["newcomers"]["n"] >= 0
    for path in (workspace / "landing" / "events").glob("*.events"):
        path.write_text(
            path.read_text(encoding="utf-8").replace(f'"at":"{today}', f'"at":"{yesterday}'), encoding="utf-8"
        )
    latest = sorted((workspace / "more").glob("*.gz"))[-1]
    shutil.copy(latest, workspace / "landing" / latest.name)
    run(workspace, *night, f"{today}", **settings)
    found = {entry["as_of"]: entry for entry in entries(workspace / "ledger", "monitor")}[f"{today}"]
    assert found["figures"]["impressions"] == len(names)
    # Those who played from their list, and those who would have played these items anyway.
    assert len(events) / len(own) <= found["figures"]["shown_hit_rate"] <= 1
    assert found["figures"]["hit_rate"] == found["figures"]["shown_hit_rate"]
    ingest = json.loads((workspace / "data" / "ingest.json").read_text(encoding="utf-8"))
    assert ingest["reasons"]["an event, not a play"] == len(names)
    assert ingest["read"] == ingest["accepted"] + ingest["duplicate"] + ingest["quarantined"]
    answer = json.loads(run(workspace, "netgain", "why", names[0], "--json").stdout)
    assert answer["impression_id"] == shown[names[0]]["impression_id"]
    assert answer["provenance"]["release"] == release["release"]
    assert answer["provenance"]["landed"]["n"] == 30
