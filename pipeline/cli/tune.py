"""`netgain tune`: searches for better hyperparameters of a recipe, on days before the decision window."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import console, echo
from pipeline.cli.working import working
from pipeline.settings import load_settings

_SILENCE = 5.0
"""The longest time without a line in a file [s]."""


def tune(
    recipe: Annotated[str, typer.Argument(help="A recipe of params.yaml, or a family without one: ials.")],
    budget: Annotated[float, typer.Option(min=0, help="CPU seconds for all trials, earlier runs included.")] = 600,
    trials: Annotated[int, typer.Option(min=1, help="Largest number of trials.")] = 200,
    batch: Annotated[int, typer.Option(min=1, help="Parallel trials; the number influences the search.")] = 4,
    write: Annotated[Path | None, typer.Option(help="Write the diff of params.yaml here, for `git apply`.")] = None,
) -> None:
    """Search for better hyperparameters on the tuning window of the open night; an interrupted search is resumed."""
    from pipeline.stages.context import open_context
    from pipeline.storage.json_files import write_text
    from pipeline.tuning.proposal import proposed_diff
    from pipeline.tuning.show import results_lines, results_table
    from pipeline.tuning.tune import plan_of
    from pipeline.tuning.tune import tune as search

    context = open_context(load_settings())
    plan = plan_of(context, recipe, budget_cpu_seconds=budget, max_trials=trials, batch=batch)
    out, n_said = console(), 0

    def doing(seconds: float) -> str:
        return f"{n_said} trials done, up to {batch} more running for {seconds:.0f} s (budget: {budget:,.0f} CPU s)"

    with working(out, doing, every=_SILENCE) as said:

        def say(line: str) -> None:
            nonlocal n_said
            n_said += 1
            out.print(line, soft_wrap=True, highlight=False)
            said()

        results = search(context, plan, say)
    economics = context.params.economics
    out.print("", results_table(results, plan.ground.k))
    for line in results_lines(
        results, cpu_hour=economics.prices.cpu_hour, currency=economics.currency, cpu_seconds=budget
    ):
        echo(line)
    best = results.found.best[0].recipe
    if not results.improved:
        return
    diff = proposed_diff(context.layout.params, recipe, best)
    echo(f"\n{diff}")
    if recipe not in context.params.recipes:
        echo(
            "The recipe is new: give its family hours in `economics`, then run `make dvc-yaml` "
            "(docs/how-to/add-a-recommender.md)."
        )
    if write is not None:
        write_text(write, diff)
        echo(f"git apply {write}")
