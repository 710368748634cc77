"""`netgain tune`: a search on the tuning window of the open night, with progress and records."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pipeline.errors import RecipeError, TableError, TrackingAway
from pipeline.features.tuning import load_tuning
from pipeline.stages.context import Context
from pipeline.tracking.tuning import record_search
from pipeline.tuning.record import ABOUT, search_record, trial_record
from pipeline.tuning.results import Results
from pipeline.tuning.search import Plan, search
from pipeline.tuning.show import trial_line
from pipeline.tuning.spaces import start_of
from pipeline.tuning.trial import Ground, Trial

MIN_LISTENERS = 4
"""Two listeners to select by and two to measure on."""

Say = Callable[[str], None]


def plan_of(context: Context, name: str, *, budget_cpu_seconds: float, max_trials: int, batch: int) -> Plan:
    """Return the plan of a search for one recipe on the tuning window of the open night.

    Raises:
        RecipeError: there is no such recipe, or too few listeners played in the tuning window.
        TableError: the night has no tuning window yet, or a damaged one.
    """
    params = context.params
    start, only_new, folder = start_of(params, name), params.split.target == "new", context.layout.tuning
    if not folder.is_dir():
        raise TableError(
            f"the night {context.as_of} has no tuning window",
            expected=f"{folder.relative_to(context.layout.root)}/",
            fix="Run `dvc repro split`, or the whole night.",
        )
    n = int(np.count_nonzero(load_tuning(folder, only_new=only_new).n_relevant))
    if n < MIN_LISTENERS:
        raise RecipeError(
            f"{n} listeners with plays in {folder}",
            expected=f"at least {MIN_LISTENERS}",
            fix="Increase split.tuning_days, or land more logs.",
        )
    return Plan(
        name=name,
        start=start,
        ground=Ground.of(folder, cache=cache_in(context), only_new=only_new, k=params.evaluation.k),
        seed=params.seed,
        budget_cpu_seconds=budget_cpu_seconds,
        max_trials=max_trials,
        batch=batch,
        n_fits=max(params.gate.seeds, 2),  # one fit alone does not show seed noise
    )


def cache_in(context: Context) -> Path:
    """Return the folder of cached trials; without it a search starts from the beginning."""
    return context.layout.root / ".netgain" / "tuning"


def tune(context: Context, plan: Plan, say: Say) -> Results:
    """Run a search, report each trial, and record it in MLflow after each batch."""
    from pipeline.runtime.choose import executor_for

    recorder = Recorder(context, plan, say)
    n_reported = 0

    def seen(trials: Sequence[Trial]) -> None:
        nonlocal n_reported
        for number in range(n_reported, len(trials)):
            say(trial_line(number, trials, plan.ground.k))
        n_reported = len(trials)
        recorder.record(trials)

    with executor_for("fits", context.settings) as executor:
        found = search(plan, executor, seen=seen)
    return Results.of(found)


class Recorder:
    """Records trials in MLflow, until MLflow fails to answer once. Trials stay cached in any case."""

    def __init__(self, context: Context, plan: Plan, say: Say) -> None:
        self._context, self._plan, self._say = context, plan, say
        self._answers = True

    def record(self, trials: Sequence[Trial]) -> None:
        if not self._answers:
            return
        children = {t.key: trial_record(self._plan, number, t) for number, t in enumerate(trials)}
        record = search_record(self._plan, trials, as_of=str(self._context.as_of))
        try:
            record_search(self._context.settings, self._plan.key, record, children, about=ABOUT)
        except TrackingAway as err:
            self._answers = False
            self._say(f"not recorded: {err.found}. The trials are cached; repeat the command to record them.")
