"""The progress and the result of a search, for the terminal."""

from collections.abc import Sequence
from math import inf, log
from statistics import median
from typing import TYPE_CHECKING

from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.search_space import OneOf, Value
from pipeline.tuning.results import Results
from pipeline.tuning.spaces import space_of
from pipeline.tuning.trial import Trial

if TYPE_CHECKING:
    from pipeline.terminal_table import FittingTable


def trial_line(number: int, trials: Sequence[Trial], k: int) -> str:
    """Return one trial in a line."""
    trial = trials[number]
    best = max(range(number + 1), key=lambda n: trials[n].value)
    where = "the start" if number == 0 else "the best so far" if best == number else f"best: trial {best}"
    what = f"NDCG@{k} {trial.value:.4f}" if trial.failed is None else f"no model ({trial.failed})"
    return f"trial {number:3d}  {what}  {trial.cost.cpu_seconds:6.1f} s CPU  {settings(trial.recipe)}  ({where})"


def at_the_edge(recipe: FamilyParams) -> list[str]:
    """Return the hyperparameters within 5 % of a bound of the search space: better values may lie beyond it."""
    found = []
    for field, dimension in space_of(recipe).items():
        if isinstance(dimension, OneOf):
            continue
        low, high, value = (float(v) for v in (dimension.low, dimension.high, getattr(recipe, field)))
        if dimension.log:
            low, high, value = log(low), log(high), log(value) if value > 0 else -inf
        if not low + (high - low) / 20 <= value <= high - (high - low) / 20:
            found.append(field)
    return found


def settings(recipe: FamilyParams) -> str:
    """Return the searched hyperparameters in a line."""
    return ", ".join(f"{field} {_short(getattr(recipe, field))}" for field in space_of(recipe))


def results_table(results: Results, k: int) -> "FittingTable":
    """Return a table of the best recipe beside the start."""
    from pipeline.terminal_table import FittingTable

    found = results.found
    first, best = found.first[0].recipe, found.best[0].recipe
    heads = ("start", "best", "difference")
    table = FittingTable("", *heads, right=heads)
    for field in space_of(best):
        values = [getattr(recipe, field) for recipe in (first, best)]
        table.add_row(field, *map(_short, values))
    comparison = results.comparison
    if comparison is not None:
        difference = f"{comparison.delta:+.4f} ± {comparison.se:.4f}"
        means = (comparison.champion_mean, comparison.challenger_mean)
        table.add_row(f"NDCG@{k}", *(f"{mean:.4f}" for mean in means), difference)
    # The median: the first trial of a process includes the start-up of its libraries.
    costs = [median(fit.cost.cpu_seconds for fit in fits) for fits in (found.first, found.best)]
    table.add_row("CPU seconds of a trial", *(f"{cost:.1f}" for cost in costs))
    return table


def results_lines(results: Results, *, cpu_hour: float, currency: str, cpu_seconds: float) -> list[str]:
    """Return lines on how to read the figures, and on the cost of going on.

    Args:
        cpu_hour: price of an hour of CPU.
        cpu_seconds: the budget [s].
    """
    found, comparison = results.found, results.comparison
    n_fits, n = len(found.best), len(found.best[0].ndcg)

    def price(seconds: float) -> str:
        return f"{seconds:.3g} CPU seconds ({seconds / 3600 * cpu_hour:.2g} {currency})"

    lines = [
        f"{len(found.trials)} trials used {price(found.cpu_seconds)} of {cpu_seconds:,.0f}, including earlier runs of "
        f"this search; {found.stopped}."
    ]
    if comparison is None:
        lines.append("No recipe better than the start was found.")
    else:
        if not results.improved:
            lines.append("With other seeds the best recipe is no better than the start: keep params.yaml as it is.")
        fits = f"{n_fits} fits each" if n_fits > 1 else "one fit each"
        lines.append(
            f"± is one standard error over {n:,} listeners and {fits}. The best of many trials was selected by these "
            "figures, which overestimate it; the gate judges it on days that no trial has seen."
        )
    edge = at_the_edge(found.best[0].recipe)
    if results.improved and edge:
        file = f"pipeline/recommenders/families/{found.best[0].recipe.family}.py"
        lines.append(f"Near an end of the search space (in {file}): {', '.join(edge)}.")
    if results.crossed is not None:
        lines.append(
            "Corrected for selection (selected on one half of the listeners, measured on the other), the gain is "
            f"{results.crossed.delta:+.4f} ± {results.crossed.se:.4f} over the start."
        )
    if results.outlook is not None:
        more, total = results.outlook, len(found.trials)
        lines.append(
            f"A further trial costs {price(more.cpu_seconds)} and, if drawn at random, would bring at most "
            f"{more.gain:.1g} on average; {total} more, for {price(total * more.cpu_seconds)}, at most "
            f"{total * more.gain:.1g}. "
            "To go on, repeat the command with a larger --budget: no trial is repeated."
        )
    return lines


def _short(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
