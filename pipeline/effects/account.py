"""Stage account: enter the night's landed files and interim analysis into the ledger, even if later effects fail."""

from typing import Any

import pyarrow as pa

from pipeline.gate.pooling import influence, look_at
from pipeline.identity.key import own_key, require_key
from pipeline.identity.tokens import OPEN_FINGERPRINT
from pipeline.json_values import as_json
from pipeline.logs.manifest import enter_night
from pipeline.stages.context import Context
from pipeline.stages.fingerprints import pair_key, recipe_digests
from pipeline.state.ledger import add_look
from pipeline.storage.evaluation_table import read_listeners, read_metric
from pipeline.storage.tables import INFLUENCE, read_json


def run(context: Context) -> str:
    """Enter the landed files and the look; doing so again changes nothing."""
    n_new = _enter_files(context)
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
    pairs, influences = _looks(context, record)
    new = add_look(context.settings.state, entry | {"pairs": pairs}, influences)
    what = f"look {upgrade['look']} of {upgrade['quarter']}" if upgrade["n_challengers"] else "no challenger was tested"
    return f"{n_new} new files; {what}" + ("" if new else ", entered before")


def _enter_files(context: Context) -> int:
    layout, inventory, key = context.layout, read_json(context.layout.landing), own_key(context.settings)
    require_key(key, inventory.get("id_key", OPEN_FINGERPRINT), of="the open night")
    return enter_night(
        context.settings.state,
        as_of=context.as_of.isoformat(),
        inventory=inventory,
        root=layout.root / inventory["root"],
        report=read_json(layout.ingest_report),
        key=key,
    )


def _looks(context: Context, record: dict[str, Any]) -> tuple[dict[str, Any], pa.Table | None]:
    """Return tonight's comparison of each challenger and each listener's influence on it, for later nights to pool."""
    layout, champion = context.layout, record["champion"]
    names = [each["recipe"] for each in record["challengers"]]
    if not names:
        return {}, None
    listeners = read_listeners(layout.evaluation(champion))
    theirs = read_metric(layout.evaluation(champion), "ndcg", listeners)
    pairs, tables = {}, []
    for name in sorted(names):
        ours = read_metric(layout.evaluation(name), "ndcg", listeners)
        key = str(pair_key(context.params, champion, name))
        pairs[name] = as_json(look_at(ours, theirs, name=champion, key=key))
        columns = {
            "challenger": [name] * len(listeners),
            "listener_id": listeners,
            "influence": influence(ours, theirs),
        }
        tables.append(pa.table(columns, schema=INFLUENCE))
    return pairs, pa.concat_tables(tables)
