"""Stage evaluate_served: measure the held-out model of the served release on tonight's decision window.

The model that the release serves cannot be measured: it was refitted on days that are part of tonight's decision window
(docs/adr/0003).
"""

from pipeline.json_values import as_json
from pipeline.metrics.evaluation import mean_by_day, summarise
from pipeline.runtime.executor import Executor
from pipeline.stages.context import Context
from pipeline.stages.evaluate import (
    content_of,
    evaluation_table,
    first_recommendations,
    measure_lists,
    score_costs,
    write_nothing,
)
from pipeline.stages.scoring import read_truth, score_models
from pipeline.stages.spec import AS_OF, DATA, StageSpec
from pipeline.storage.daily_credit import write_daily
from pipeline.storage.evaluation_table import EVALUATION
from pipeline.storage.json_files import read_json, write_json
from pipeline.storage.orphans import PREFIX
from pipeline.storage.schemas import RECOMMENDATIONS
from pipeline.storage.tables import write_table

NAME = "served"

STAGE = StageSpec(
    desc="Measure the held-out model of the release being served on tonight's decision window",
    deps=(DATA.served, DATA.train, DATA.relevant, DATA.royalties),
    params=("evaluation", "split", AS_OF),
    outs=(DATA.evaluation(NAME), DATA.daily_credit(NAME), DATA.recommendations(NAME), DATA.score_cost(NAME)),
    metrics=(DATA.metrics(NAME),),
)


def run(context: Context) -> str:
    """Write the served model's evaluation, metrics and scoring cost; empty ones where nothing is served yet."""
    from pipeline.runtime.choose import executor_for

    if read_json(context.layout.served / "served.json")["release"] is None:
        return nothing_served(context)
    with executor_for("fits", context.settings) as executor:
        return evaluate_served(context, executor)


def nothing_served(context: Context) -> str:
    """Write empty tables and figures in place of the served model's, before the first release; return the line."""
    write_nothing(context, NAME, {"release": None, "recipe": None, "family": None})
    return "no release is served yet"


def evaluate_served(context: Context, executor: Executor) -> str:
    """Measure the served model on a given executor; return the stage's line. A release must be served."""
    layout, k = context.layout, context.params.evaluation.k
    served = read_json(layout.served / "served.json")
    lists = score_models(context, [layout.served / "model"], executor, scratch=layout.data / f"{PREFIX}scores-served")
    decided = read_truth(context)
    fits = [measure_lists(each, decided) for each in lists]
    summary = summarise(fits, decided.truth, k)
    identity = {key: served[key] for key in ("release", "recipe", "family")}
    write_table(layout.evaluation(NAME), evaluation_table(fits, decided), EVALUATION)
    write_daily(layout.daily_credit(NAME), decided.listener_ids, decided.truth.days, mean_by_day(fits))
    write_table(layout.recommendations(NAME), first_recommendations(lists, decided), RECOMMENDATIONS)
    write_json(layout.metrics(NAME), as_json(summary | identity | content_of(lists, context)))
    write_json(layout.score_cost(NAME), score_costs(served["recipe"], served["family"], lists))
    return f"{served['release']} ({served['recipe']}): NDCG@{k} {summary[f'ndcg_at_{k}']:.4f}"
