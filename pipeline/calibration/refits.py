"""Real fits of real recipes on simulated logs, many seeds each: what the proofs resample."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.core.cost import Cost
from pipeline.core.economics import NightCost, night_cost
from pipeline.core.evaluation import measure
from pipeline.engine.choose import executor_for
from pipeline.io.tables import read_json, write_json
from pipeline.night.opening import open_night
from pipeline.recommenders.registry import FAMILIES
from pipeline.settings import Settings, load_settings
from pipeline.simulation.simulate import simulate
from pipeline.stages import ingest, prepare, split, validate
from pipeline.stages.context import Context
from pipeline.stages.evaluate import measure_lists
from pipeline.stages.fit import fit_models, fit_task
from pipeline.stages.hashes import digest
from pipeline.stages.scoring import Decided, Lists, in_vocabulary, read_truth, score_models

Floats = npt.NDArray[np.float64]
Say = Callable[[str], None]
START = dt.date(2026, 1, 1)
SEEDS_OF_A_BLEND = 3
"""A blend is fitted as often as a night does: it takes part in one proof, and costs more than all the others."""


@dataclass(frozen=True)
class Refits:
    """What was fitted and measured.

    Attributes:
        ndcg: for each recipe, NDCG@k of shape (n_fits, n_listeners); the same listeners in all.
        families: for each recipe.
        nights: for each recipe, what a night of it costs.
        slices: for each slice, bool of shape (n_listeners,).
        shuffled: NDCG@k of shape (n_fits, n_listeners) of the last stochastic recipe's lists, each given to another
            listener.
    """

    ndcg: dict[str, Floats]
    families: dict[str, str]
    nights: dict[str, NightCost]
    slices: dict[str, npt.NDArray[np.bool_]]
    shuffled: Floats

    @property
    def n_listeners(self) -> int:
        return int(next(iter(self.ndcg.values())).shape[1])


def refits(settings: Settings, *, n_listeners: int, n_days: int, n_seeds: int, say: Say) -> Refits:
    """Simulate logs, prepare them with the night's own stages, and fit every recipe of params.yaml that runs as a task,
    stochastic ones `n_seeds` times. What was fitted before with the same parameters is read instead.

    Args:
        settings: of the project; the work is done in a workspace of its own below .netgain.
        n_listeners: simulated listeners.
        n_days: simulated days [d].
        n_seeds: fits of each stochastic recipe.
        say: told of each step.
    """
    root = settings.workspace / ".netgain" / "calibration"
    params_text = (settings.workspace / "params.yaml").read_text(encoding="utf-8")
    key = digest({"params": params_text, "n": [n_listeners, n_days, n_seeds]})
    if (root / "refits.json").exists() and read_json(root / "refits.json")["key"] == key:
        say("the refits of an earlier run are used")
        return _load(root)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(settings.workspace / name, root / name)
    own = load_settings({}, workspace=root)
    say(f"simulating {n_listeners:,} listeners over {n_days} days")
    simulate(n_listeners=n_listeners, n_days=n_days, seed=1, start=START, out=own.landing)
    context = open_night(own, as_of=START + dt.timedelta(days=n_days), log_format="netgain", logs=None)
    for stage in (ingest, validate, prepare, split):
        say(stage.run(context))
    found = _fit_all(context, n_seeds, say)
    _save(root, found, key)
    for folder in ("landing", "data"):
        shutil.rmtree(root / folder)
    return found


def _fit_all(context: Context, n_seeds: int, say: Say) -> Refits:
    truth = read_truth(context)
    recipes = {n: r for n, r in context.params.recipes.items() if FAMILIES[r.family].runs_in == "task"}
    ndcg: dict[str, Floats] = {}
    nights: dict[str, NightCost] = {}
    shuffled = np.empty((0, len(truth.listener_ids)))
    rng = np.random.default_rng(0)
    with executor_for("fits", context.settings) as executor:
        for name, recipe in recipes.items():
            n_fits = n_seeds if FAMILIES[recipe.family].stochastic else 1
            n_fits = min(n_fits, SEEDS_OF_A_BLEND) if recipe.family == "blend" else n_fits
            models = [context.layout.model(name) / f"seed-{seed}" for seed in range(n_fits)]
            tasks = [
                fit_task(context, name, source=context.layout.train, model=model, index=seed, extra_pids=())
                for seed, model in enumerate(models)
            ]
            fits = fit_models(tasks, executor)
            lists = score_models(context, models, executor, scratch=context.layout.data / ".scores")
            measured = [measure_lists(each, truth) for each in lists]
            ndcg[name] = np.stack([each.listener["ndcg"] for each in measured])
            nights[name] = night_cost(fits, [each.cost for each in lists])
            if n_fits > 1:
                shuffled = np.stack([_shuffled(each, truth, rng) for each in lists[:3]])
            means = ndcg[name].mean(axis=1)
            spread = f", {100 * means.std(ddof=1) / means.mean():.2f} % from seed to seed" if n_fits > 1 else ""
            say(f"{name}: {n_fits} fits, NDCG {means.mean():.4f}{spread}, {_cpu(fits):.0f} CPU s")
    families: dict[str, str] = {name: recipe.family for name, recipe in recipes.items()}
    return Refits(ndcg, families, nights, dict(truth.truth.slices), shuffled)


def _shuffled(lists: Lists, truth: Decided, rng: np.random.Generator) -> Floats:
    items, rows = in_vocabulary(lists, truth)
    return measure(items, rng.permutation(rows), truth.truth, n_invalid_lists=0).listener["ndcg"]


def _cpu(costs: list[Cost]) -> float:
    return sum(cost.cpu_seconds for cost in costs)


def _save(root: Path, found: Refits, key: str) -> None:
    for name, values in found.ndcg.items():
        np.save(root / f"{name}.npy", values)
    for name, members in found.slices.items():
        np.save(root / f"slice_{name}.npy", members)
    np.save(root / "shuffled.npy", found.shuffled)
    told = {"families": found.families, "slices": sorted(found.slices)}
    write_json(root / "refits.json", {"key": key, **told, "nights": {n: asdict(c) for n, c in found.nights.items()}})


def _load(root: Path) -> Refits:
    told = json.loads((root / "refits.json").read_text(encoding="utf-8"))
    return Refits(
        {name: np.load(root / f"{name}.npy") for name in told["families"]},
        told["families"],
        {name: NightCost(**cost) for name, cost in told["nights"].items()},
        {name: np.load(root / f"slice_{name}.npy") for name in told["slices"]},
        np.load(root / "shuffled.npy"),
    )
