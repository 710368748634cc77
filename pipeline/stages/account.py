"""Stage account: the night's look at challengers is entered into the ledger, whatever becomes of the rest."""

from pipeline.io.ledger import add_look
from pipeline.io.tables import read_json
from pipeline.stages.context import Context
from pipeline.stages.hashes import recipe_digests


def run(context: Context) -> str:
    """Enter the look; doing so again changes nothing."""
    record, history = read_json(context.layout.decision), read_json(context.layout.history)
    recipes = recipe_digests(context.params)
    upgrade = record["lanes"]["upgrade"]
    entry = {
        "as_of": record["as_of"],
        "inputs": history["inputs"],
        "look": upgrade["look"],
        "alpha": upgrade["alpha"],
        "n_challengers": upgrade["n_challengers"],
        "verdict": record["verdict"],
        "challenger": record["challenger"],
        "gate_recipe": record["gate_recipe"],
        "served_recipe": record["serve"]["recipe"],
        "seeds": {name: found | {"recipe": recipes[name]} for name, found in record["seeds"].items()},
    }
    new = add_look(context.settings.ledger, entry)
    what = f"look {upgrade['look']} of {upgrade['quarter']}" if upgrade["n_challengers"] else "no challenger was tested"
    return what + ("" if new else ", entered before")
