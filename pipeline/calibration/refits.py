"""Real fits of real recipes on simulated plays, many seeds each, from which the proofs draw nights."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipeline.calibration.audience import settle
from pipeline.configuration import load_params
from pipeline.errors import TableError
from pipeline.features.interactions import build_interactions
from pipeline.features.lists import rows_of
from pipeline.features.splitting import relevant_items, split_by_time
from pipeline.gate.economics import NightCost, night_cost
from pipeline.metrics.cost import Cost
from pipeline.metrics.evaluation import measure
from pipeline.recommenders.registry import FAMILIES
from pipeline.runtime.choose import executor_for
from pipeline.settings import Settings, load_settings
from pipeline.stages import split
from pipeline.stages.context import Context
from pipeline.stages.evaluate import measure_lists
from pipeline.stages.fingerprints import digest
from pipeline.stages.fit import fit_models, fit_task
from pipeline.stages.layout import Layout
from pipeline.stages.scoring import Decided, Lists, in_vocabulary, score_models, truth_of
from pipeline.storage.arrays import write_array
from pipeline.storage.json_files import read_json, write_json
from pipeline.storage.orphans import PREFIX
from pipeline.storage.schemas import DAILY, ITEMS, RELEVANT
from pipeline.storage.tables import conform, read_table

Floats = npt.NDArray[np.float64]
Say = Callable[[str], None]
START = dt.date(2026, 1, 1)
SEEDS_OF_A_BLEND = 3
"""A blend is fitted as often as a night does: it takes part in one proof, and costs more than all the others."""
"""A blend is fitted only as often as in a night: it takes part in one proof, and costs more than all other fits."""


@dataclass(frozen=True)
class Refits:
    """The accuracy and cost of all fits.

    Attributes:
        ndcg: for each recipe, NDCG@k of shape (n_fits, n_windows, n_listeners) over the same listeners; NaN if a
            listener played nothing new in the decision window. Window w begins w days after the first.
        families: the family of each recipe.
        nights: the cost of a night of each recipe.
        slices: for each slice, bool of shape (n_listeners,).
        shuffled: NDCG@k of shape (n_fits, n_listeners) on the first window, of the last stochastic recipe's lists, each
            assigned to another listener.
        leak_refused: whether training data that include a day of the decision window were refused.
    """

    ndcg: dict[str, Floats]
    families: dict[str, str]
    nights: dict[str, NightCost]
    slices: dict[str, npt.NDArray[np.bool_]]
    shuffled: Floats
    leak_refused: bool

    @property
    def n_windows(self) -> int:
        return int(next(iter(self.ndcg.values())).shape[1])

    @property
    def n_listeners(self) -> int:
        return int(next(iter(self.ndcg.values())).shape[2])


@dataclass(frozen=True)
class Size:
    """The amount of work: simulated listeners, days before the first decision, fits of each stochastic recipe, and
    decision windows, each a day after the one before."""

    n_listeners: int
    n_days: int
    n_seeds: int
    n_windows: int


def refits(settings: Settings, size: Size, say: Say) -> Refits:
    """Simulate plays, split them as a night does, and fit every recipe of params.yaml that runs as a task. Fits of an
    earlier run with the same parameters are read instead.

    Args:
        settings: of the project; the work is done in a separate workspace below .netgain.
        size: the amount of work.
        say: called with a line for each step.
    """
    root = settings.workspace / ".netgain" / "calibration"
    params_text = (settings.workspace / "params.yaml").read_text(encoding="utf-8")
    key = digest({"params": params_text, "size": asdict(size)})
    if (root / "refits.json").exists() and read_json(root / "refits.json")["key"] == key:
        say("using the refits of an earlier run")
        return _load(root)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    shutil.copyfile(settings.workspace / "params.yaml", root / "params.yaml")
    own = load_settings({}, workspace=root)
    as_of = START + dt.timedelta(days=size.n_days)
    context = Context(load_params(root / "params.yaml"), as_of, Layout(root), own)
    n_days = size.n_days + size.n_windows - 1
    say(f"simulating {size.n_listeners:,} listeners over {n_days} days")
    settle(context, n_listeners=size.n_listeners, n_days=n_days, start=START, seed=1)
    say(split.run(context))
    found = _fit_all(context, size, say)
    _save(root, found, key)
    shutil.rmtree(root / "data")
    return found


def truths(context: Context, n_windows: int) -> list[Decided]:
    """Return, for each decision window, the items that each listener played for the first time."""
    daily = pl.DataFrame(read_table(context.layout.daily, DAILY))
    found = []
    for window in range(n_windows):
        later = dt.timedelta(days=window)
        days = split_by_time(
            daily, first=START, decision_from=context.decision_from + later, as_of=context.as_of + later
        )
        relevant = relevant_items(days, only_new=context.params.split.target == "new")
        found.append(truth_of(context, conform(relevant.to_arrow(), RELEVANT)))
    return found


def _fit_all(context: Context, size: Size, say: Say) -> Refits:
    windows = truths(context, size.n_windows)
    everyone = pa.chunked_array([pa.array(sorted(set().union(*(w.listener_ids.to_pylist() for w in windows))))])
    places = [rows_of(window.listener_ids, everyone) for window in windows]
    slices = {name: np.zeros(len(everyone), np.bool_) for name in windows[0].truth.slices}
    for window, place in zip(windows, places, strict=True):
        for name, members in window.truth.slices.items():
            slices[name][place] = members
    recipes = {n: r for n, r in context.params.recipes.items() if FAMILIES[r.family].runs_in_task}
    ndcg: dict[str, Floats] = {}
    nights: dict[str, NightCost] = {}
    shuffled = np.empty((0, len(everyone)))
    rng = np.random.default_rng(0)

    def on_all(values: list[Floats]) -> Floats:
        spread = np.full((len(values), len(everyone)), np.nan)
        for row, place, found in zip(spread, places, values, strict=False):
            row[place] = found
        return spread

    with executor_for("fits", context.settings) as executor:
        for name, recipe in recipes.items():
            n_fits = size.n_seeds if FAMILIES[recipe.family].stochastic else 1
            n_fits = min(n_fits, SEEDS_OF_A_BLEND) if recipe.family == "blend" else n_fits
            models = [context.layout.model(name) / f"seed-{seed}" for seed in range(n_fits)]
            tasks = [
                fit_task(context, name, source=context.layout.train, model=model, index=seed, extra_pids=())
                for seed, model in enumerate(models)
            ]
            fits = fit_models(tasks, executor)
            lists = score_models(context, models, executor, scratch=context.layout.data / f"{PREFIX}scores")
            ndcg[name] = np.stack(
                [on_all([measure_lists(each, window).listener["ndcg"] for window in windows]) for each in lists]
            )
            nights[name] = night_cost(fits, [each.cost for each in lists])
            if n_fits > 1:
                shuffled = np.stack([on_all([_shuffled(each, windows[0], rng)])[0] for each in lists[:3]])
            means = np.nanmean(ndcg[name][:, 0], axis=1)
            spread = f", {100 * means.std(ddof=1) / means.mean():.2f} % from seed to seed" if n_fits > 1 else ""
            say(f"{name}: {n_fits} fits, NDCG {means.mean():.4f}{spread}, {_cpu(fits):.0f} CPU s")
    families: dict[str, str] = {name: recipe.family for name, recipe in recipes.items()}
    return Refits(ndcg, families, nights, slices, shuffled, refuses_leak(context))


def refuses_leak(context: Context) -> bool:
    """Return whether building interactions with one day of the decision window raises an error."""
    daily = pl.DataFrame(read_table(context.layout.daily, DAILY)).filter(pl.col("day") <= context.decision_from)
    names = pl.DataFrame(read_table(context.layout.items, ITEMS))
    interactions = context.params.interactions
    try:
        build_interactions(
            daily,
            names,
            until=context.decision_from,
            half_life_days=interactions.half_life_days,
            min_listeners_per_item=interactions.min_listeners_per_item,
        )
    except TableError:
        return True
    return False


def _shuffled(lists: Lists, truth: Decided, rng: np.random.Generator) -> Floats:
    items, rows = in_vocabulary(lists, truth)
    return measure(items, rng.permutation(rows), truth.truth, n_invalid_lists=0).listener["ndcg"]


def _cpu(costs: list[Cost]) -> float:
    return sum(cost.cpu_seconds for cost in costs)


def _save(root: Path, found: Refits, key: str) -> None:
    for name, values in found.ndcg.items():
        write_array(root / f"{name}.npy", values)
    for name, members in found.slices.items():
        write_array(root / f"slice_{name}.npy", members)
    write_array(root / "shuffled.npy", found.shuffled)
    facts = {"families": found.families, "slices": sorted(found.slices), "leak_refused": found.leak_refused}
    write_json(root / "refits.json", {"key": key, **facts, "nights": {n: asdict(c) for n, c in found.nights.items()}})


def _load(root: Path) -> Refits:
    facts = json.loads((root / "refits.json").read_text(encoding="utf-8"))
    return Refits(
        {name: np.load(root / f"{name}.npy") for name in facts["families"]},
        facts["families"],
        {name: NightCost(**cost) for name, cost in facts["nights"].items()},
        {name: np.load(root / f"slice_{name}.npy") for name in facts["slices"]},
        np.load(root / "shuffled.npy"),
        facts["leak_refused"],
    )
