"""The search: proposes, fits and reports trials until the budget is spent."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import FAMILIES
from pipeline.runtime.cached_map import cached_map
from pipeline.runtime.executor import Executor
from pipeline.storage.cache import Cache, key_of
from pipeline.tuning.proposing import Proposer
from pipeline.tuning.spaces import effort, space_of
from pipeline.tuning.trial import Ground, Trial, TrialTask, run_trial


@dataclass(frozen=True)
class Plan:
    """A search.

    name: the recipe's name; it seeds the fits together with `seed`.
    start: the first trial, with which the others are compared.
    ground: the data that trials are fitted and measured on.
    budget_cpu_seconds: for all trials together, including those of earlier runs [s].
    max_trials: the largest number of trials.
    batch: the number of parallel trials between two reports to the sampler; it influences the proposals.
    n_fits: fits of the best and of the first recipe at the end, if the family is stochastic.
    """

    name: str
    start: FamilyParams
    ground: Ground
    seed: int
    budget_cpu_seconds: float
    max_trials: int
    batch: int
    n_fits: int

    def task(self, recipe: FamilyParams, index: int = 0) -> TrialTask:
        """Return a fit of a recipe. All recipes use the same random numbers, so that only hyperparameters differ."""
        entropy = (self.seed, zlib.crc32(b"tune"), zlib.crc32(self.name.encode()), index)
        return TrialTask(self.ground, recipe, entropy)

    @property
    def key(self) -> str:
        """The key of everything that determines the order of trials; the budget does not."""
        space = repr(sorted(space_of(self.start).items()))
        return key_of(self.task(self.start).key, space, self.batch)

    @property
    def n_seeds(self) -> int:
        return self.n_fits if FAMILIES[self.start.family].stochastic else 1


@dataclass(frozen=True)
class Found:
    """The trials of a search.

    Attributes:
        trials: in order, the start first.
        first: fits of the start, one for each seed; the first of them is a trial.
        best: fits of the best trial's recipe.
        stopped: why the search ended.
    """

    trials: tuple[Trial, ...]
    first: tuple[Trial, ...]
    best: tuple[Trial, ...]
    stopped: str

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all fits and their lists, each counted once [s]."""
        every = {trial.key: trial.cost.cpu_seconds for trial in (*self.trials, *self.first, *self.best)}
        return sum(every.values())


def search(plan: Plan, executor: Executor, *, seen: Callable[[Sequence[Trial]], None] = lambda trials: None) -> Found:
    """Try recipes until the next one is expected to exceed what is left of the budget.

    Cached trials of an earlier run are not repeated, and count with their cost of then. So a search goes through the
    same trials whether it was interrupted or not, and a larger budget continues where a smaller one ended.

    Args:
        plan: what to search.
        executor: runs the fits.
        seen: called with all trials after each batch.
    """
    proposer = Proposer(space_of(plan.start), plan.start, seed=plan.seed)
    trials: list[Trial] = []
    batch, stopped = [plan.start], ""
    while batch:
        made = _made([plan.task(recipe) for recipe in batch], executor)
        for trial in made:
            proposer.tell(trial.recipe, trial.value)
        trials += made
        seen(trials)
        batch, stopped = _next(plan, proposer, trials)
    seeds = range(plan.n_seeds)
    best = _best(trials)
    tasks = [plan.task(recipe, index) for recipe in (plan.start, best.recipe) for index in seeds]
    fits = _made(tasks, executor)
    return Found(tuple(trials), tuple(fits[: len(seeds)]), tuple(fits[len(seeds) :]), stopped)


def _next(plan: Plan, proposer: Proposer, trials: Sequence[Trial]) -> tuple[list[FamilyParams], str]:
    """Return the next recipes, or an empty list and the reason."""
    if len(trials) >= plan.max_trials:
        return [], f"the limit of {plan.max_trials} trials is reached"
    asked = proposer.ask(plan.batch)[: plan.max_trials - len(trials)]
    if not asked:
        return [], "the search space is exhausted"
    space = space_of(plan.start)
    pace = median(trial.cost.cpu_seconds / effort(space, trial.recipe) for trial in trials)
    # The closing fits, which compare the best with the start, are part of the budget.
    closing = (plan.n_seeds - 1) * pace * (effort(space, plan.start) + effort(space, _best(trials).recipe))
    left = plan.budget_cpu_seconds - closing - sum(trial.cost.cpu_seconds for trial in trials)
    affordable = []
    # A trial shorter than the kernel's tick may be measured as 0 s; the search must still end when the budget is spent.
    if left > 0:
        for recipe in asked:
            left -= pace * effort(space, recipe)
            if left < 0:
                break
            affordable.append(recipe)
    return affordable, "the next trial would exceed the budget"


def _best(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the highest value; the earliest of equal ones."""
    return max(trials, key=lambda trial: trial.value)


def _made(tasks: Sequence[TrialTask], executor: Executor) -> list[Trial]:
    cache = Cache(tasks[0].ground.cache)
    return [
        Trial.cached(t, result) for t, result in zip(tasks, cached_map(tasks, cache, run_trial, executor), strict=True)
    ]
