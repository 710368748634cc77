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
from pipeline.engine.choose import executor_for
from pipeline.io.tables import read_json, write_json
from pipeline.night.opening import open_night
from pipeline.recommenders.registry import FAMILIES
from pipeline.settings import Settings, load_settings
from pipeline.simulation.simulate import simulate
from pipeline.stages import ingest, prepare, split, validate
from pipeline.stages.context import Context
from pipeline.stages.evaluate import measure_lists
from pipeline.stages.fit import FitTask, entropy, fit_models
from pipeline.stages.hashes import digest
from pipeline.stages.scoring import read_truth, score_models

Say = Callable[[str], None]
START = dt.date(2026, 1, 1)


@dataclass(frozen=True)
class Refits:
    """Attributes:
    ndcg: for each recipe, NDCG@k of shape (n_fits, n_listeners); the same listeners in all.
    families: for each recipe.
    nights: for each recipe, what a night of it costs.
    shares: for each recipe, catalogue coverage and share of the top 1 %.
    slices: for each slice, bool of shape (n_listeners,).
    """

    ndcg: dict[str, npt.NDArray[np.float64]]
    families: dict[str, str]
    nights: dict[str, NightCost]
    shares: dict[str, tuple[float, float]]
    slices: dict[str, npt.NDArray[np.bool_]]

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
    found = Refits({}, {}, {}, {}, dict(truth.truth.slices))
    with executor_for("fits", context.settings) as executor:
        for name, recipe in recipes.items():
            n_fits = n_seeds if FAMILIES[recipe.family].stochastic else 1
            models = [context.layout.model(name) / f"seed-{seed}" for seed in range(n_fits)]
            tasks = [
                FitTask(context.layout.train, model, recipe, entropy(context.params.seed, name, seed))
                for seed, model in enumerate(models)
            ]
            fits = fit_models(tasks, executor)
            lists = score_models(context, models, executor, scratch=context.layout.data / ".scores")
            measured = [measure_lists(each, truth) for each in lists]
            found.ndcg[name] = np.stack([each.listener["ndcg"] for each in measured])
            found.families[name] = recipe.family
            found.nights[name] = night_cost(fits, [each.cost for each in lists])
            catalogue = measured[0].catalogue
            found.shares[name] = (catalogue["catalogue_coverage"], catalogue["top_1_percent_share"])
            means = found.ndcg[name].mean(axis=1)
            spread = f", {100 * means.std(ddof=1) / means.mean():.2f} % from seed to seed" if n_fits > 1 else ""
            say(f"{name}: {n_fits} fits, NDCG {means.mean():.4f}{spread}, {_cpu(fits):.0f} CPU s")
    return found


def _cpu(costs: list[Cost]) -> float:
    return sum(cost.cpu_seconds for cost in costs)


def _save(root: Path, found: Refits, key: str) -> None:
    for name, values in found.ndcg.items():
        np.save(root / f"{name}.npy", values)
    for name, members in found.slices.items():
        np.save(root / f"slice_{name}.npy", members)
    told = {"families": found.families, "shares": found.shares, "slices": sorted(found.slices)}
    write_json(root / "refits.json", {"key": key, **told, "nights": {n: asdict(c) for n, c in found.nights.items()}})


def _load(root: Path) -> Refits:
    told = json.loads((root / "refits.json").read_text(encoding="utf-8"))
    return Refits(
        {name: np.load(root / f"{name}.npy") for name in told["families"]},
        told["families"],
        {name: NightCost(**cost) for name, cost in told["nights"].items()},
        {name: (shares[0], shares[1]) for name, shares in told["shares"].items()},
        {name: np.load(root / f"slice_{name}.npy") for name in told["slices"]},
    )
