"""The monitor's history: one entry a night, figures of the lists that were served before, and nothing that stops."""

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.effects import monitor
from pipeline.effects.monitor_metrics import watched
from pipeline.stages.context import Context
from pipeline.state.location import FILE
from pipeline.state.rows import entries
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import DAILY, FALLBACK, LISTS
from pipeline.storage.tables import write_table
from tests.stages.small_night import AS_OF, context

RELEASE = "2026-03-06-0123456789ab"
PLAYED = {"2026-03-05": [("ann", "old")], "2026-03-06": [("ann", "a"), ("bob", "z")], "2026-03-07": [("eve", "p")]}


@pytest.fixture
def night(tmp_path: Path) -> Context:
    """The night of 8 March; the lists of the night of the 6th were served on the 6th and 7th."""
    found = context(tmp_path)
    monitoring = found.params.monitoring.model_copy(update={"min_listeners": 2, "breached_nights": 1})
    found = dataclasses.replace(found, params=found.params.model_copy(update={"monitoring": monitoring}))
    for day, rows in PLAYED.items():
        table = [
            {"day": dt.date.fromisoformat(day), "listener_id": u, "item_id": i, "n_plays": 1, "ms_played": 60_000}
            for u, i in rows
        ]
        write_table(found.layout.daily / f"day={day}.parquet", pa.Table.from_pylist(table, schema=DAILY), DAILY)
    write_json(found.layout.validation_report, {"drift": {"psi_hours": 0.3}, "volume": {"age_days": 0.25}})
    serve(found, RELEASE)
    return found


def serve(night: Context, release: str | None) -> None:
    write_json(night.layout.served / "served.json", {"release": release, "as_of": release and release[:10]})
    if release is None:
        return
    item = {"rank": 1, "item_name": "A", "score": 1.0, "reason": ""}
    lists = [{"listener_id": u, "item_id": "a", **item} for u in ("ann", "bob")]
    folder = night.settings.releases / release
    write_table(folder / "lists.parquet", pa.Table.from_pylist(lists, schema=LISTS), LISTS)
    fallback = pa.Table.from_pylist([{"item_id": "p", **item}], schema=FALLBACK)
    write_table(folder / "fallback.parquet", fallback, FALLBACK)


def history(night: Context) -> list[dict[str, object]]:
    return sorted(entries(night.settings.state, monitor.TABLE), key=lambda entry: str(entry["as_of"]))


def test_lists_are_scored_on_the_days_on_which_they_were_served(night: Context) -> None:
    found = watched(night)
    assert (found["release"], found["since"], found["missing"]) == (RELEASE, "2026-03-06", [])
    figures = found["figures"]
    assert figures["hit_rate"] == pytest.approx(1 / 2)
    assert figures["play_share"] == pytest.approx(2 / 3)  # ann's a, and eve's p of the fallback
    assert figures["coverage"] == pytest.approx(2 / 3)
    assert figures["new_item_share"] == 1.0  # a, z, p after old
    assert (figures["lists_age_days"], figures["log_age_days"], figures["psi_hours"]) == (2.0, 0.25, 0.3)


def test_a_night_is_entered_once_however_often_it_runs(night: Context) -> None:
    said = monitor.run(night)
    first = history(night)
    assert monitor.run(night) == said
    assert history(night) == first


def test_a_backfilled_night_takes_its_place_among_the_others(night: Context) -> None:
    monitor.run(night)
    monitor.run(dataclasses.replace(night, as_of=AS_OF - dt.timedelta(days=1)))
    assert [entry["as_of"] for entry in history(night)] == ["2026-03-07", "2026-03-08"]


def test_what_is_worth_a_warning_is_said_and_left_for_those_who_are_alerted(night: Context) -> None:
    said = monitor.run(night)
    assert said.startswith("hit rate 50.0%; 2 warnings: drift of plays by hour of day (PSI): 0.3, above 0.1")
    assert len(monitor.warnings_of(night)) == 2
    assert "age of the lists" in monitor.warnings_of(night)[1]
    assert "2 alerts" in (night.settings.reports / "monitor.html").read_text(encoding="utf-8")


def test_before_the_first_release_there_is_nothing_to_score(night: Context) -> None:
    serve(night, None)
    found = watched(night)
    assert found["since"] == "2026-03-07"
    assert {"hit_rate", "coverage"}.isdisjoint(found["figures"])
    assert found["figures"]["lists_age_days"] is None
    assert monitor.run(night).startswith("no list was scored")


def test_a_release_that_cannot_be_read_is_a_warning_and_stops_nothing(night: Context) -> None:
    (night.settings.releases / RELEASE / "lists.parquet").write_bytes(b"PAR1 torn")
    assert "not looked at: " in monitor.run(night)
    assert history(night)[0]["figures"]["psi_hours"] == 0.3  # type: ignore[index]


def test_a_history_that_cannot_be_read_is_a_warning_and_is_left_as_it_is(night: Context) -> None:
    path = night.settings.ledger / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"SQLite format 3, cut off")
    assert "the monitor could not do its work" in monitor.run(night)
    assert path.read_bytes() == b"SQLite format 3, cut off"
    assert len(monitor.warnings_of(night)) == 1


def test_no_listener_is_in_what_it_leaves(night: Context) -> None:
    monitor.run(night)
    left = [json.dumps(history(night)), *(path.read_text("utf-8") for path in night.settings.reports.iterdir())]
    for text in left:
        assert not {"ann", "bob", "eve"} & set(text.replace('"', " ").split())
