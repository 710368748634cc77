"""Stage fit_champion: fit the champion's recipe if params.yaml has another one under its name, or none.

In most nights it has the same, and the stage writes nothing but empty files. It stands in dvc.yaml all the same: a
scheduler draws its tasks before the night is opened (docs/adr/0023-the-champion-is-a-definition.md).
"""

from pipeline.stages.context import Context
from pipeline.stages.fit import run as fit
from pipeline.stages.layout import CARRIED
from pipeline.stages.spec import AS_OF, DATA, StageSpec
from pipeline.storage.json_files import write_json

STAGE = StageSpec(
    desc="Fit the champion's recipe, if params.yaml has changed it or left it out",
    deps=(DATA.champion, DATA.train, DATA.tuning, DATA.royalties),
    params=("seed", "recipes", AS_OF, "split.target", "gate.seeds"),
    outs=(DATA.model(CARRIED), DATA.fit_cost(CARRIED)),
)


def run(context: Context) -> str:
    """Fit the carried recipe as the stage fit does those of params.yaml; without one, write an empty folder and a cost
    without fits."""
    if context.champion is not None and context.champion.carried_as is not None:
        return fit(context, context.champion.carried_as)
    context.layout.model(CARRIED).mkdir(parents=True, exist_ok=True)
    write_json(context.layout.fit_cost(CARRIED), {"recipe": None, "family": None, "fits": []})
    return "params.yaml has the champion's recipe: nothing to fit"
