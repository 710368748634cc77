"""Stage evaluate_champion: measure the fits of fit_champion as those of the recipes of params.yaml."""

from pipeline.stages.context import Context
from pipeline.stages.evaluate import run as evaluate
from pipeline.stages.evaluate import write_nothing
from pipeline.stages.layout import CARRIED
from pipeline.stages.spec import AS_OF, DATA, StageSpec

STAGE = StageSpec(
    desc="Measure the champion's recipe, if params.yaml has changed it or left it out",
    deps=(DATA.champion, DATA.model(CARRIED), DATA.train, DATA.relevant, DATA.royalties),
    params=("evaluation", "split", "recipes", AS_OF),
    outs=(
        DATA.evaluation(CARRIED),
        DATA.daily_credit(CARRIED),
        DATA.recommendations(CARRIED),
        DATA.score_cost(CARRIED),
    ),
    metrics=(DATA.metrics(CARRIED),),
)


def run(context: Context) -> str:
    """Write the evaluation, metrics and scoring cost of the carried recipe; empty ones without one."""
    if context.champion is not None and context.champion.carried_as is not None:
        return evaluate(context, context.champion.carried_as)
    write_nothing(context, CARRIED, {"recipe": None, "family": None})
    return "params.yaml has the champion's recipe: nothing to measure"
