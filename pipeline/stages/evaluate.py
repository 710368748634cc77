"""Stage evaluate: compare what a recipe's fits recommend with what listeners went on to play."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.errors import RecipeError
from pipeline.features.recommendations import recommendations
from pipeline.features.royalties import royalties_of
from pipeline.json_values import as_json
from pipeline.metrics.beyond_accuracy import churn
from pipeline.metrics.evaluation import Measured, mean_by_day, measure, summarise
from pipeline.metrics.listener.registry import listener_metrics
from pipeline.metrics.royalties import expected_royalty
from pipeline.recommenders.registry import FAMILIES
from pipeline.runtime.executor import Executor
from pipeline.stages.context import Context
from pipeline.stages.newcomers import newcomers_clause, newcomers_report
from pipeline.stages.parts import parts_report
from pipeline.stages.scoring import Decided, Lists, in_vocabulary, read_truth, score_models
from pipeline.stages.spec import AS_OF, DATA, RECIPE, StageSpec
from pipeline.storage.daily_credit import DAILY_CREDIT, write_daily
from pipeline.storage.evaluation_table import EVALUATION
from pipeline.storage.json_files import write_json
from pipeline.storage.orphans import PREFIX
from pipeline.storage.schemas import RECOMMENDATIONS
from pipeline.storage.tables import write_table

STAGE = StageSpec(
    desc="Rank the catalogue for every listener and measure the lists on the decision window",
    deps=(DATA.model(RECIPE), DATA.train, DATA.relevant, DATA.royalties),
    params=("evaluation", "split", f"recipes.{RECIPE}", AS_OF),
    outs=(DATA.evaluation(RECIPE), DATA.daily_credit(RECIPE), DATA.recommendations(RECIPE), DATA.score_cost(RECIPE)),
    metrics=(DATA.metrics(RECIPE),),
    per_recipe=True,
)


def run(context: Context, recipe: str) -> str:
    """Write the recipe's evaluation, metrics and scoring cost."""
    from pipeline.runtime.choose import executor_for

    with executor_for("fits", context.settings) as executor:
        return evaluate(context, recipe, executor)


def evaluate(context: Context, recipe: str, executor: Executor) -> str:
    """Do the work of `run` on a given executor; return the stage's line.

    Raises:
        RecipeError: the recipe has no fits.
    """
    layout, k = context.layout, context.params.evaluation.k
    models = fitted_models(layout.model(recipe))
    lists = score_models(context, models, executor, scratch=layout.data / f"{PREFIX}scores-{recipe}")
    decided = read_truth(context)
    fits = [measure_lists(each, decided) for each in lists]
    summary = summarise(fits, decided.truth, k)
    write_table(layout.evaluation(recipe), evaluation_table(fits, decided), EVALUATION)
    write_daily(layout.daily_credit(recipe), decided.listener_ids, decided.truth.days, mean_by_day(fits))
    write_table(layout.recommendations(recipe), first_recommendations(lists, decided), RECOMMENDATIONS)
    newcomers = newcomers_report(context, models[0], decided)
    more: dict[str, Any] = {"churn_between_fits": churn_of_fits(lists, context, recipe), "newcomers": newcomers}
    more |= content_of(lists, context)
    if context.params.split.target == "mixed":
        more["parts"] = parts_report(lists, decided, layout.train, k=k)
    write_json(layout.metrics(recipe), as_json(summary | more))
    family = context.params.recipes[recipe].family
    write_json(layout.score_cost(recipe), score_costs(recipe, family, lists))
    n_fits = f"{len(fits)} {'fit' if len(fits) == 1 else 'fits'}"
    served = f"{recipe}: NDCG@{k} {summary[f'ndcg_at_{k}']:.4f} over {summary['n_eligible']} listeners and {n_fits}"
    return served + newcomers_clause(newcomers, k)


def write_nothing(context: Context, name: str, identity: Mapping[str, None]) -> None:
    """Write empty tables and figures in the place of an evaluation, where there is nothing to evaluate.

    Args:
        context: the night.
        name: of the files.
        identity: keys that the figures have otherwise.
    """
    layout = context.layout
    write_table(layout.evaluation(name), EVALUATION.empty_table(), EVALUATION)
    write_table(layout.daily_credit(name), DAILY_CREDIT.empty_table(), DAILY_CREDIT)
    write_table(layout.recommendations(name), RECOMMENDATIONS.empty_table(), RECOMMENDATIONS)
    figures = {"n_fits": 0, f"ndcg_at_{context.params.evaluation.k}": None}
    write_json(layout.metrics(name), {**identity, **figures})
    write_json(layout.score_cost(name), score_costs(None, None, []))


def fitted_models(folder: Path) -> list[Path]:
    """Return the folders seed-0 … seed-K−1 of a recipe.

    Raises:
        RecipeError: there is no such folder, or a number is missing.
    """
    n_fits = len(list(folder.glob("seed-*")))
    models = [folder / f"seed-{seed}" for seed in range(n_fits)]
    missing = [model for model in models if not model.is_dir()]
    if not models or missing:
        raise RecipeError(
            f"{folder} has no {missing[0].name if missing else 'fit'}",
            expected="the folders seed-0, seed-1, …",
            fix="Run the stage fit of this recipe.",
        )
    return models


def measure_lists(lists: Lists, decided: Decided) -> Measured:
    """Return the metrics of one fit's lists."""
    items, rows = in_vocabulary(lists, decided)
    return measure(items, rows, decided.truth, n_invalid_lists=lists.n_invalid)


def first_recommendations(lists: Sequence[Lists], decided: Decided) -> pa.Table:
    """Return the first fit's lists of the eligible listeners, a table of RECOMMENDATIONS."""
    first = lists[0]
    return recommendations(first.items, first.item_ids, first.listener_ids, eligible=decided.listener_ids)


def content_of(lists: Sequence[Lists], context: Context) -> dict[str, Any]:
    """Return `content`, the royalties of a play from the lists (`gate.economics.ContentFigures`); nothing where no item
    has a price of its own."""
    prices = royalties_of(context.layout.royalties, lists[0].item_ids)
    if prices is None:
        return {}
    unpriced, priced = expected_royalty([each.items for each in lists], prices)
    return {"content": {"unpriced_share": unpriced, "priced": priced}}


def churn_of_fits(lists: Sequence[Lists], context: Context, recipe: str) -> float:
    """Return how much of a list another seed would replace: the mean `churn` from each fit to the next.

    0 for a deterministic recipe, NaN for a single fit of a stochastic one.
    """
    if not FAMILIES[context.params.recipes[recipe].family].stochastic:
        return 0.0
    return float(np.mean([churn(a.items, b.items) for a, b in pairwise(lists)])) if len(lists) > 1 else math.nan


def evaluation_table(fits: Sequence[Measured], decided: Decided) -> pa.Table:
    """Return a row for each fit and eligible listener, a table of EVALUATION."""
    n, n_fits, truth = len(decided.listener_ids), len(fits), decided.truth
    columns: dict[str, Any] = {
        "seed": np.repeat(np.arange(n_fits, dtype=np.int32), n),
        "listener_id": pa.chunked_array(decided.listener_ids.chunks * n_fits, pa.string()),
        "n_relevant": np.tile(truth.n_relevant, n_fits),
    }
    for metric in listener_metrics():
        columns[metric.name] = np.concatenate([np.empty(0), *(fit.listener[metric.name] for fit in fits)])
    for name, members in truth.slices.items():
        columns[f"slice_{name}"] = np.tile(members, n_fits)
    return pa.table(columns)


def score_costs(recipe: str | None, family: str | None, lists: Sequence[Lists]) -> dict[str, Any]:
    """Return what data/costs/score-RECIPE.json holds."""
    scorings = [each.cost.to_dict() | {"seed": seed} for seed, each in enumerate(lists)]
    return {"recipe": recipe, "family": family, "scorings": scorings}
