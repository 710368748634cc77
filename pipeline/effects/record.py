"""Stage record: record the night in MLflow, once."""

import hashlib
import json
import math
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.effects.monitor_metrics import watched
from pipeline.effects.publish import contents
from pipeline.gate.record_reader import parse_record
from pipeline.metrics.cost import Cost, mean_cost
from pipeline.releases.publishing import release_id
from pipeline.runtime.code_version import git_commit
from pipeline.settings import Settings
from pipeline.stages.context import Context
from pipeline.stages.fingerprints import landing_digest
from pipeline.stages.layout import Layout
from pipeline.state.outbox import Waiting, remove, waiting
from pipeline.storage.checksums import digests
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import INTERACTIONS
from pipeline.tracking.entries import NightRecord, put_record
from pipeline.tracking.night import night_record, recipe_record
from pipeline.tracking.night_files import NightFiles
from pipeline.tracking.notes import ABOUT, metric_title
from pipeline.tracking.records import ModelRecord, TrainingData
from pipeline.tracking.replay import replay_within
from pipeline.tracking.runs import NotRecorded, find_recorded

SMALL_MODEL = 8 * 2**20
"""A recipe's held-out model is kept with its run up to so many bytes; the served model always is."""


def run(context: Context) -> str:
    """Record the night; recording it again changes nothing.

    The record is written to the outbox first. If MLflow cannot be reached, it stays there and the night continues.

    Raises:
        SettingsError: the record could not be written to the outbox.
    """
    settings, release = context.settings, release_id(contents(context))
    key, digest = night_key(context, release), model_digest(context.layout.final_model)
    if find_recorded(settings, key, digest) and not waiting(settings.state):
        return f"the night {context.as_of} is already in MLflow"
    entry = keep(context, key, digest, release)
    return sent_or_waits(settings, entry, "the record")


def keep(context: Context, key: str, digest: str, release: str) -> Waiting:
    """Put the night's record into the outbox.

    Raises:
        TableError: a file of the night is missing.
        SettingsError: the disk does not take it.
    """
    layout, night = context.layout, read_night(context, release)
    model = ModelRecord(
        folder=layout.final_model,
        digest=digest,
        note=night.decision.sentence,
        tags={"as_of": night.as_of, "recipe": night.decision.serve.recipe, "release": release},
    )
    with tempfile.TemporaryDirectory(prefix="netgain-plots-") as scratch:
        plots = draw_plots(night, Path(scratch))
        decided = (layout.decision, layout.decision_page)
        checked = (layout.validation_report, layout.interactions_report, layout.audit_report)
        reports = (*decided, layout.ingest_report, *checked)
        # The tables beside the record: with them, `netgain replay` makes the decision again from the run alone.
        arrays = [(layout.data / each.file, Path(each.file).parent) for each in night.decision.arrays.values()]
        shown = [*((path, "") for path in reports), *((path, "plots") for path in plots)]
        beside = [(path, "" if folder == Path() else folder.as_posix()) for path, folder in arrays]
        record = NightRecord(
            key=key,
            night=night_record(night, (*shown, *beside)),
            recipes=tuple(recipe_record(night, recipe, _artifacts(layout, recipe)) for recipe in night.recipes),
            model=model,
            about=ABOUT,
            metric=night.metric,
            at_ms=int(time.time() * 1000),
        )
        return put_record(context.settings.state, record)


def sent_or_waits(settings: Settings, entry: Waiting, what: str) -> str:
    """Deliver the outbox; return a line on the result for one entry, or on why it still waits.

    Raises:
        NotRecorded: the entry is the promotion of a model that was never recorded.
    """
    done = replay_within(settings, settings.mlflow_seconds)
    name = entry.folder.name
    if name not in done.delivered and isinstance(done.error, NotRecorded):
        remove(entry)
        raise done.error
    others = len(done.delivered.keys() - {name})
    also = f" (and {others} more from the outbox)" if others else ""
    if name in done.delivered:
        return done.delivered[name] + also
    why = "" if done.error is None else f": {done.error.found}"
    return f"{what} of {entry.as_of} waits in the outbox{why}{also}"


def night_key(context: Context, release: str) -> str:
    """Return the key of a night in MLflow: as_of and a digest of its inputs and results.

    Not included: measured cost, which differs in every run; and code, because code that gives the same metrics,
    verdict, model and lists has made the same night.
    """
    layout, decision = context.layout, read_json(context.layout.decision)
    told = {
        "params": context.params.model_dump(mode="json", exclude={"monitoring"}),
        "landing": landing_digest(layout),
        "verdict": decision["verdict"],
        "serve": decision["serve"],
        "release": release,
        "metrics": digests({recipe: layout.metrics(recipe) for recipe in context.params.recipes}),
    }
    return f"{context.as_of}-{_digest(told)[:24]}"


def model_digest(folder: Path) -> str:
    """Return a digest of the files in the folder of a served model, of a night or of a release."""
    return _digest(digests({"model": folder}))[:24]


def read_night(context: Context, release: str) -> NightFiles:
    """Return the results of the night's stages, read from their files.

    Raises:
        TableError: a file is missing.
        ValueError: decision.json is not the record of a decision.
    """
    layout, params = context.layout, context.params
    recipes = {name: recipe.model_dump(mode="json") for name, recipe in params.recipes.items()}
    return NightFiles(
        as_of=context.as_of.isoformat(),
        decision=parse_record(read_json(layout.decision)),
        recipes=recipes,
        metrics={name: read_json(layout.metrics(name)) for name in recipes},
        fits={name: _costs(layout.fit_cost(name), "fits") for name in recipes},
        scorings={name: _costs(layout.score_cost(name), "scorings") for name in recipes},
        ingest=read_json(layout.ingest_report),
        refits=_costs(layout.refit_cost, "fits"),
        lists=Cost.from_dict(read_json(layout.recommend_cost)),
        params={
            "as_of": context.as_of.isoformat(),
            "seed": params.seed,
            **params.model_dump(mode="json", include={"interactions", "split", "evaluation", "gate", "lists"}),
        },
        release=release,
        commit=git_commit(layout.root),
        data=training_data(layout, context.decision_from),
        monitor=watched(context)["figures"],
    )


def training_data(layout: Layout, decision_from: date) -> TrainingData:
    """Return a description of the interactions that recipes were fitted on."""
    rows = {
        name: pq.read_metadata(layout.train / f"{name}.parquet").num_rows
        for name in ("interactions", "listeners", "items")
    }
    return TrainingData(
        name=f"plays before {decision_from}",
        digest=_digest(digests({"train": layout.train}))[:12],
        source=layout.train.relative_to(layout.root).as_posix(),
        columns={field.name: "float" if field.name == "weight" else "integer" for field in INTERACTIONS},
        profile={f"n_{name}": n for name, n in rows.items()},
    )


def draw_plots(night: NightFiles, folder: Path) -> list[Path]:
    """Draw the plots of the night's run and return their files; empty if accuracy is undefined."""
    from pipeline.reports import plots

    metric, title = night.metric, metric_title(night.metric)
    accuracy = {r: m[metric] for r, m in night.metrics.items() if m.get(metric) is not None}
    if not accuracy:
        return []
    paths = [folder / f"accuracy_{name}.png" for name in ("against_cost", "by_slice", "by_seed")]
    cpu = {r: (mean_cost(night.fits[r]) + mean_cost(night.scorings[r])).cpu_seconds for r in accuracy}
    plots.accuracy_against_cost(
        paths[0], accuracy=accuracy, cpu_seconds=cpu, served=night.decision.serve.recipe, metric=title
    )
    slices = {
        recipe: {"all": value, **{s: _number(m.get(metric)) for s, m in night.metrics[recipe]["slices"].items()}}
        for recipe, value in accuracy.items()
    }
    plots.accuracy_by_slice(paths[1], slices=slices, metric=title)
    seeds = {recipe: [_number(value) for value in night.metrics[recipe]["seeds"][metric]] for recipe in accuracy}
    plots.accuracy_by_seed(paths[2], seeds=seeds, metric=title)
    return paths


def _artifacts(layout: Layout, recipe: str) -> tuple[tuple[Path, str], ...]:
    files = [(path, "") for path in (layout.metrics(recipe), layout.fit_cost(recipe), layout.score_cost(recipe))]
    model = layout.model(recipe) / "seed-0"
    small = sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) <= SMALL_MODEL
    return (*files, (model, "heldout_model")) if small else tuple(files)


def _costs(path: Path, what: str) -> list[Cost]:
    return [Cost.from_dict(raw) for raw in read_json(path)[what]]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
