"""MLflow records of a search: one run for the search, with a child run for each trial."""

from collections.abc import Sequence

from pipeline.tracking.records import RunRecord
from pipeline.tuning.search import Plan
from pipeline.tuning.show import settings
from pipeline.tuning.trial import Trial

MIB = 2**20

ABOUT = """Searches by `netgain tune`: a run for each search, with a child run for each trial.

All data lie before the decision window. The best trial was selected by the figures shown here, which are therefore
optimistic: the gate judges the recipe on days that no trial has seen."""


def search_record(plan: Plan, trials: Sequence[Trial], *, as_of: str) -> RunRecord:
    """Return the run of a search, as far as it has got."""
    best = max(trials, key=lambda trial: trial.value)
    metric = f"ndcg_at_{plan.ground.k}"
    return RunRecord(
        name=f"tune {plan.name} {as_of}",
        note=f"Best so far: {settings(best.recipe)}. The start: {settings(plan.start)}.",
        tags={"recipe": plan.name, "as_of": as_of, "family": plan.start.family},
        params={"seed": str(plan.seed), "batch": str(plan.batch)},
        metrics={
            metric: best.value,
            f"start_{metric}": trials[0].value,
            "cpu_seconds": sum(trial.cost.cpu_seconds for trial in trials),
            "n_trials": len(trials),
        },
        seconds=sum(trial.cost.wall_seconds for trial in trials),
    )


def trial_record(plan: Plan, number: int, trial: Trial) -> RunRecord:
    """Return the run of a trial."""
    fields = trial.recipe.model_dump(exclude={"family"})
    memory = {} if trial.cost.peak_rss_bytes is None else {"peak_rss_mib": trial.cost.peak_rss_bytes / MIB}
    return RunRecord(
        name=f"trial {number}",
        note=trial.failed or settings(trial.recipe),
        tags={"recipe": plan.name, "trial": str(number)},
        params={"family": trial.recipe.family, **{name: str(value) for name, value in fields.items()}},
        metrics={f"ndcg_at_{plan.ground.k}": trial.value, "cpu_seconds": trial.cost.cpu_seconds, **memory},
        seconds=trial.cost.wall_seconds,
    )
