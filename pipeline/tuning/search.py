"""The search: ask, fit, tell, until the budget is spent."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import FAMILIES
from pipeline.runtime.cached_map import done
from pipeline.runtime.executor import Executor
from pipeline.storage.cache import Kept, key_of
from pipeline.tuning.proposing import Proposer
from pipeline.tuning.spaces import effort, space_of
from pipeline.tuning.trial import Ground, Trial, TrialTask, run_trial


@dataclass(frozen=True)
class Plan:
    """A search.

    Attributes:
        name: of the recipe; its fits draw from this and the seed.
        start: the first trial, which the others are held against.
        budget_cpu_seconds: for all trials together [s], those of earlier runs included.
        max_trials: at most so many.
        batch: trials between two looks at what they came to, as tasks side by side. Part of what is proposed.
        n_fits: fits of the best and of the first at the end, if the family is stochastic.
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
        """A fit of a recipe. All recipes draw alike, so that they differ by their hyperparameters alone."""
        entropy = (self.seed, zlib.crc32(b"tune"), zlib.crc32(self.name.encode()), index)
        return TrialTask(self.ground, recipe, entropy)

    @property
    def key(self) -> str:
        """What the order of trials follows from; how far they go is no part of it."""
        space = repr(sorted(space_of(self.start).items()))
        return key_of(self.task(self.start).key, space, self.batch)

    @property
    def n_seeds(self) -> int:
        return self.n_fits if FAMILIES[self.start.family].stochastic else 1


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        trials: in their order, the start first.
        first: fits of the start, one a seed; of them the first is a trial.
        best: fits of the best trial's recipe.
        stopped: why no more were made.
    """

    trials: tuple[Trial, ...]
    first: tuple[Trial, ...]
    best: tuple[Trial, ...]
    stopped: str

    @property
    def cpu_seconds(self) -> float:
        """Of all fits and their lists [s], each counted once."""
        every = {trial.key: trial.cost.cpu_seconds for trial in (*self.trials, *self.first, *self.best)}
        return sum(every.values())


def search(plan: Plan, executor: Executor, *, seen: Callable[[Sequence[Trial]], None] = lambda trials: None) -> Found:
    """Try recipes until the next one is expected to exceed what is left of the budget.

    What is kept of an earlier run is not done again, and counts with what it cost then: so a search goes through the
    same trials to the same end whether it was interrupted or not, and a larger budget goes on from where a smaller one
    ended.

    Args:
        seen: is given all trials after each batch.
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
    """What to try, or why nothing."""
    if len(trials) >= plan.max_trials:
        return [], f"{plan.max_trials} trials were made"
    asked = proposer.ask(plan.batch)[: plan.max_trials - len(trials)]
    if not asked:
        return [], "all that differs was tried"
    space = space_of(plan.start)
    pace = median(trial.cost.cpu_seconds / effort(space, trial.recipe) for trial in trials)
    # The fits that the end is judged by are part of the budget.
    closing = (plan.n_seeds - 1) * pace * (effort(space, plan.start) + effort(space, _best(trials).recipe))
    left = plan.budget_cpu_seconds - closing - sum(trial.cost.cpu_seconds for trial in trials)
    affordable = []
    # A trial shorter than the kernel's tick may have cost nothing that was counted; a spent budget ends all the same.
    if left > 0:
        for recipe in asked:
            left -= pace * effort(space, recipe)
            if left < 0:
                break
            affordable.append(recipe)
    return affordable, "the next trial would exceed the budget"


def _best(trials: Sequence[Trial]) -> Trial:
    """Of equal ones the earlier."""
    return max(trials, key=lambda trial: trial.value)


def _made(tasks: Sequence[TrialTask], executor: Executor) -> list[Trial]:
    kept = Kept(tasks[0].ground.kept)
    return [Trial.kept(t, result) for t, result in zip(tasks, done(tasks, kept, run_trial, executor), strict=True)]
