"""The checkpoints of a night, end to end: their reports contain no personal data, also when they fail."""

import datetime as dt
import importlib
import io
import json

import polars as pl
import pytest

from pipeline.errors import ValidationFailed
from pipeline.graph import read_stages
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.nightly.data_docs import checkpoints, write_data_docs
from pipeline.nightly.opening import open_night
from pipeline.nightly.show import summary
from pipeline.settings import load_settings
from pipeline.storage.json_files import read_json
from tests.workspace import SMALL, make_workspace

START, DAYS = dt.date(2026, 1, 1), 12
SECRETS = ("Planted Bot", "Planted Listener", "Planted Artist", "Planted Title")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    params = {**SMALL, "split.decision_days": 4, "validation.warn_age_days": 0}
    folder = make_workspace(
        tmp_path_factory.mktemp("docs") / "w", recipes=["popular"], params=params, listeners=40, days=DAYS
    )
    lines = [line("Planted Bot", n, 57 * n) for n in range(1500)]
    lines += [line("Planted Listener", n, 3600 * n) for n in range(9)]
    (folder / "landing" / "planted.jsonl").write_text("\n".join([*lines, lines[0][:60]]) + "\n")
    return folder


def line(listener, n, seconds):
    moment = dt.datetime.combine(START + dt.timedelta(days=DAYS - 2), dt.time(), dt.UTC) + dt.timedelta(seconds=seconds)
    return json.dumps(
        {
            "listener_id": listener,
            "played_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "artist_name": "Planted Artist",
            "track_name": f"Planted Title {n}",
            "ms_played": 31_000,
        }
    )


def run_stages(workspace, as_of):
    settings = load_settings({"NETGAIN_ENGINE": "inprocess"}, workspace=workspace)
    context = open_night(settings, as_of=as_of, log_format="netgain", logs=None)
    for stage in read_stages(workspace / "dvc.yaml"):
        name, _, recipe = stage.name.partition("@")
        run = importlib.import_module(f"pipeline.stages.{name}").run
        run(context, recipe) if recipe else run(context)
    return context


@pytest.fixture(scope="module")
def night(workspace):
    context = run_stages(workspace, START + dt.timedelta(days=DAYS))
    write_data_docs(context)
    return context


def told(context):
    """Return all reports: the JSON files of data/ and the files of reports/."""
    reports = context.settings.reports
    files = [*context.layout.data.rglob("*.json"), *context.layout.data.glob("*.html"), *reports.rglob("*.*")]
    return {path.relative_to(context.layout.root).as_posix(): path.read_text() for path in files}


def test_each_checkpoint_has_a_page(night):
    assert {path.name for path in (night.settings.reports / "data_docs" / "2026-01-13").iterdir()} == {
        "results.json",
        "ingest.html",
        "interactions.html",
        "lists.html",
    }


def test_a_bot_is_excluded_and_its_plays_are_not_counted(night):
    bot, listener = (token_of(name, OPEN_KEY) for name in ("Planted Bot", "Planted Listener"))
    assert pl.read_parquet(night.layout.excluded_listeners)["listener_id"].to_list() == [bot]
    daily = pl.read_parquet(night.layout.daily / "*.parquet")
    assert listener in daily["listener_id"]
    assert bot not in daily["listener_id"]
    assert bot not in pl.read_parquet(night.layout.lists)["listener_id"]


def test_a_warning_is_reported_and_does_not_stop_the_night(night):
    (warning,) = read_json(night.layout.validation_report)["warnings"]
    assert warning.startswith("volume: the last play is at most 0 days old")
    assert warning in told(night)["reports/data_docs/2026-01-13/results.json"]
    assert read_json(night.layout.audit_report)["failures"] == []


def test_no_report_names_a_listener_or_a_title(night):
    texts = told(night)
    assert {"data/validation.json", "data/interactions.json", "data/audit.json"} <= set(texts)
    assert "reports/data_docs/index.html" in texts
    found = [(secret, name) for secret in SECRETS for name, text in texts.items() if secret.lower() in text.lower()]
    assert found == []
    listeners = set(pl.read_parquet(night.layout.window / "listeners.parquet")["listener_id"].to_list())
    assert len(listeners) > 30
    assert not [name for name, text in texts.items() if any(f'"{listener}"' in text for listener in listeners)]


def test_the_summary_lists_warnings_and_excluded_listeners(night):
    from rich.console import Console

    kinds = ("n_expectations", "warnings", "excluded_listeners", "undecided")
    checks = {name: {kind: report[kind] for kind in kinds} for name, report in checkpoints(night).items()}
    rows = {key: read_json(night.layout.ingest_report)[key] for key in ("read", "accepted", "duplicate", "quarantined")}
    facts = {
        "as_of": "2026-01-13",
        "rows": rows | {"files": 13, "reasons": {}},
        "checks": checks,
        "monitor": [],
        "outbox": [],
        "decision": read_json(night.layout.decision),
        "recipes": [],
        "release": {"id": "r", "n_listeners": 41, "recipe": "popular"},
        "ran": [],
        "seconds": 1.0,
    }
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(summary(facts))
    text = console.export_text()
    assert "warning: volume: the last play is at most 0 days old" in text
    assert "excluded: bots: no listener behaves like a bot (1 for more plays than a person starts" in text
    assert "79 expectations of the data" in text


def test_a_stopped_night_has_its_data_docs(night, workspace):
    """Run the next night without new logs and with a bound on their age; earlier reports must not be reused."""
    params = workspace / "params.yaml"
    text = params.read_text()
    params.write_text(text.replace("stop_age_days: 30", "stop_age_days: 0.5"))
    try:
        with pytest.raises(ValidationFailed, match=r"the last play is at most 0\.5 days old"):
            run_stages(workspace, START + dt.timedelta(days=DAYS + 1))
    finally:
        params.write_text(text)
    settings = load_settings({"NETGAIN_ENGINE": "inprocess"}, workspace=workspace)
    context = open_night(settings, as_of=START + dt.timedelta(days=DAYS + 1), log_format="netgain", logs=None)
    index = write_data_docs(context).read_text()
    assert list(checkpoints(context)) == ["ingest"]
    assert index.index("2026-01-14/ingest.html") < index.index("2026-01-13/ingest.html")
    assert index.count("not reached") == 2
    page = (context.settings.reports / "data_docs" / "2026-01-14" / "ingest.html").read_text()
    assert "✕ stops the night" in page
