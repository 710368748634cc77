"""Fits every recipe on several dates, as nights do, and measures the lists on the days after each date."""

import datetime as dt
import shutil
from dataclasses import asdict, replace

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.calibration.audience import settle
from pipeline.calibration.refits import Floats, Refits, Say, Size, save, saved
from pipeline.configuration import Params, load_params
from pipeline.errors import TableError
from pipeline.features.interactions import build_interactions
from pipeline.features.lists import rows_of
from pipeline.features.splitting import relevant_items, split_by_time
from pipeline.gate.economics import NightCost, night_cost
from pipeline.metrics.accuracy import relevant_entries
from pipeline.metrics.listener.ndcg import credits_of_hits
from pipeline.metrics.lists import lists_at
from pipeline.recommenders.registry import FAMILIES
from pipeline.runtime.choose import executor_for
from pipeline.runtime.executor import Executor
from pipeline.settings import Settings, load_settings
from pipeline.stages import split
from pipeline.stages.context import Context
from pipeline.stages.fingerprints import digest
from pipeline.stages.fit import fit_models, fit_task
from pipeline.stages.layout import Layout
from pipeline.stages.scoring import Decided, Lists, in_vocabulary, score_models, truth_of
from pipeline.storage.orphans import PREFIX
from pipeline.storage.schemas import DAILY, ITEMS, RELEVANT
from pipeline.storage.tables import conform, read_table

START = dt.date(2026, 1, 1)
WINDOWS = (7, 14)
"""Lengths of the decision window [days] that are compared."""
BLENDS = 4
"""Fits of a blend, on the first date only: one costs as much as all other fits of a date."""


def refits(settings: Settings, size: Size, say: Say) -> Refits:
    """Simulate plays and fit every recipe of params.yaml that runs as a task on each date. Fits of an earlier run with
    the same parameters are read instead.

    Args:
        settings: of the project; the work is done in a separate workspace below .netgain.
        size: the amount of work.
        say: called with a line for each step.
    """
    root = settings.workspace / ".netgain" / "calibration"
    params = as_served(load_params(settings.workspace / "params.yaml"))
    shaping = params.model_dump(mode="json", include={"seed", "interactions", "split", "evaluation", "recipes"})
    key = digest({"params": shaping, "size": asdict(size), "windows": WINDOWS})
    known = saved(root, key)
    if known is not None:
        say("using the refits of an earlier run")
        return known
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    shutil.copyfile(settings.workspace / "params.yaml", root / "params.yaml")
    own = load_settings({"NETGAIN_ENGINE": settings.engine}, workspace=root)
    context = Context(params, START, Layout(root), own)
    longest = max(*WINDOWS, params.split.decision_days)
    n_days = size.n_days + max(size.dates) + longest
    say(f"simulating {size.n_listeners:,} listeners over {n_days} days")
    settle(context, n_listeners=size.n_listeners, n_days=n_days, start=START, seed=1)
    found = _Fitting(context, size, say).run()
    save(root, found, key)
    shutil.rmtree(root / "data")
    return found


def as_served(params: Params) -> Params:
    """Return the parameters with accuracy judged at the length of the lists that are served."""
    return params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"k": params.lists.n_items})})


class _Fitting:
    """The work of `refits`; keeps what later dates need of earlier ones."""

    def __init__(self, context: Context, size: Size, say: Say) -> None:
        self.context, self.size, self.say = context, size, say
        self.everyone = pa.chunked_array([read_listeners(context)])
        self.recipes = {n: r for n, r in context.params.recipes.items() if FAMILIES[r.family].runs_in_task}
        shape = (len(size.dates), context.params.split.decision_days, len(self.everyone))
        self.daily = {name: np.full((self.n_fits(name), *shape), np.nan) for name in self.recipes}
        self.windows = {
            days: {name: np.full((self.n_fits(name), shape[0], shape[2]), np.nan) for name in self.recipes}
            for days in WINDOWS
        }
        self.slices: dict[str, np.ndarray] = {}
        self.nights: dict[str, NightCost] = {}
        self.shuffled = np.empty((0, shape[1], shape[2]))

    def n_fits(self, name: str) -> int:
        family = self.recipes[name].family
        if not FAMILIES[family].stochastic:
            return 1
        return min(self.size.n_seeds, BLENDS) if family == "blend" else self.size.n_seeds

    def run(self) -> Refits:
        leak_refused = False
        with executor_for("fits", self.context.settings) as executor:
            for number in range(len(self.size.dates)):
                night = self._night(number)
                self.say(split.run(night))
                leak_refused = refuses_leak(night) if number == 0 else leak_refused
                self._fit_all(night, number, executor)
        return Refits(
            daily=self.daily,
            windows=self.windows,
            dates=self.size.dates,
            families={name: recipe.family for name, recipe in self.recipes.items()},
            nights=self.nights,
            slices=self.slices,
            shuffled=self.shuffled,
            leak_refused=leak_refused,
        )

    def _night(self, number: int, days: int | None = None) -> Context:
        """Return the night that judges the fits of a date on the given number of days, by default the shipped one."""
        params = self.context.params
        if days is not None:
            params = params.model_copy(update={"split": params.split.model_copy(update={"decision_days": days})})
        first = START + dt.timedelta(days=self.size.n_days + self.size.dates[number])
        return replace(self.context, params=params, as_of=first + dt.timedelta(days=params.split.decision_days))

    def _fit_all(self, night: Context, number: int, executor: Executor) -> None:
        truth = truth_after(night)
        others = {days: (later, truth_after(later)) for days in WINDOWS for later in [self._night(number, days)]}
        for name, members in truth.truth.slices.items():
            rows = self.slices.setdefault(name, np.zeros((len(self.size.dates), len(self.everyone)), np.bool_))
            rows[number, rows_of(truth.listener_ids, self.everyone)] = members
        said = []
        for name, recipe in self.recipes.items():
            if recipe.family == "blend" and number:
                continue
            lists = self._lists(night, name, executor)
            self.daily[name][:, number] = [self._by_day(each, truth, night) for each in lists]
            for days, (later, other) in others.items():
                self.windows[days][name][:, number] = [self._by_day(each, other, later).sum(axis=0) for each in lists]
            if number == 0 and FAMILIES[recipe.family].stochastic and recipe.family != "blend":
                rng = np.random.default_rng(0)
                self.shuffled = np.stack([self._by_day(each, truth, night, rng) for each in lists[:3]])
            said.append(f"{name} {np.nanmean(self.daily[name][:, number].sum(axis=1)):.4f}")
        self.say(f"fits of {night.decision_from}: NDCG {', '.join(said)}")

    def _lists(self, night: Context, name: str, executor: Executor) -> list[Lists]:
        models = [night.layout.model(name) / f"seed-{seed}" for seed in range(self.n_fits(name))]
        tasks = [
            fit_task(night, name, source=night.layout.train, model=model, index=seed, extra_pids=())
            for seed, model in enumerate(models)
        ]
        fits = fit_models(tasks, executor)
        lists = score_models(night, models, executor, scratch=night.layout.data / f"{PREFIX}scores")
        self.nights.setdefault(name, night_cost(fits, [each.cost for each in lists]))
        return lists

    def _by_day(self, lists: Lists, truth: Decided, night: Context, rng: np.random.Generator | None = None) -> Floats:
        """Return each decision day's part of NDCG, shape (n_days, n_listeners); lists are shuffled with `rng`."""
        items, rows = in_vocabulary(lists, truth)
        rows = rows if rng is None else rng.permutation(rows)
        entries = relevant_entries(lists_at(items, rows), truth.truth.relevant)
        hits, n_days = entries >= 0, night.params.split.decision_days
        days = np.array([(day - night.decision_from).days for day in truth.truth.days])[truth.truth.first_day]
        found = np.zeros((n_days, len(entries)))
        np.add.at(found, (days[entries[hits]], np.nonzero(hits)[0]), credits_of_hits(hits, truth.truth.n_relevant))
        spread = np.full((n_days, len(self.everyone)), np.nan)
        spread[:, rows_of(truth.listener_ids, self.everyone)] = found
        return spread


def read_listeners(context: Context) -> pa.Array:
    """Return the ids of all listeners of the simulated service, sorted."""
    daily = pl.DataFrame(read_table(context.layout.daily, DAILY))
    return daily["listener_id"].unique().sort().to_arrow().cast(pa.string())


def truth_after(night: Context) -> Decided:
    """Return what listeners played for the first time in the decision window of a night."""
    daily = pl.DataFrame(read_table(night.layout.daily, DAILY))
    days = split_by_time(daily, first=START, decision_from=night.decision_from, as_of=night.as_of)
    relevant = relevant_items(days, only_new=night.params.split.target == "new")
    return truth_of(night, conform(relevant.to_arrow(), RELEVANT))


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
