"""Stage account: enter the night's landed files and analysis into the ledger, even if later effects fail."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from pipeline.effects.enter_experiments import enter_experiments
from pipeline.gate.candidates import Tonight
from pipeline.gate.evidence import tonight_of
from pipeline.gate.pooling import PARTS, pair_night
from pipeline.gate.record_reader import inputs_from
from pipeline.gate.refresh import OVER_POPULAR, REFRESH, level_night, refresh_night
from pipeline.gate.spending import Entrant
from pipeline.identity.key import own_key, require_key
from pipeline.identity.tokens import OPEN_FINGERPRINT
from pipeline.json_values import as_json
from pipeline.logs.manifest import enter_night
from pipeline.stages.champion import on_record
from pipeline.stages.context import Context
from pipeline.stages.fingerprints import entrants, memory_key, recipe_digests
from pipeline.stages.gate_inputs import read_arrays
from pipeline.state.ledger import add_analysis
from pipeline.storage.influence_table import influence_table
from pipeline.storage.json_files import read_json


def run(context: Context) -> str:
    """Enter the landed files and the analysis; doing so again changes nothing."""
    n_new = _enter_files(context)
    experiments = enter_experiments(context)
    record, history = read_json(context.layout.decision), read_json(context.layout.history)
    digests, known = recipe_digests(context.params), entrants(context.params, context.champion)
    upgrade, chosen = record["lanes"]["upgrade"], record["gate_recipe"]
    pairs, influences = _comparisons(context, record, known)
    entry = {
        "as_of": record["as_of"],
        "inputs": history["inputs"],
        "n_challengers": upgrade["n_challengers"],
        "verdict": record["verdict"],
        "challenger": record["challenger"],
        **on_record(context.params, context.champion, chosen),
        "served_recipe": record["serve"]["recipe"],
        "definitions": {name: each.definition for name, each in known.items()},
        "champion_night": record["recipes"].get(chosen, {}).get("night"),
        "seeds": {
            name: found | {"recipe": digests[name]} for name, found in record["seeds"].items() if name in digests
        },
        "pairs": pairs,
    }
    new = add_analysis(context.settings.state, entry, influences)
    what = f"{upgrade['n_analysed']} of {upgrade['n_challengers']} challengers analysed in {upgrade['quarter']}"
    if not upgrade["n_challengers"]:
        what = "no challenger was compared"
    return f"{n_new} new files; {what}" + ("" if new else ", entered before") + experiments


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


def _comparisons(
    context: Context, record: dict[str, Any], known: dict[str, Entrant]
) -> tuple[dict[str, Any], pa.Table | None]:
    """Return tonight's comparisons, and what groups of listeners contribute to each, for later nights to pool."""
    if not record["challengers"]:
        return {}, None
    layout, inputs = context.layout, inputs_from(record)
    files = {name: layout.data / array.file for name, array in inputs.arrays.items()}
    tonight = tonight_of(inputs.evidence, read_arrays(files, inputs.evidence.history, inputs.days))
    champion, found = record["champion"], {}
    for each in record["challengers"]:
        name = each["recipe"]
        ours, theirs = (tonight.candidates[recipe].sample for recipe in (name, champion))
        found[name] = (known[name].pair, each["clock"], pair_night(ours, theirs, tonight.cells, record["as_of"]))
    found |= _memory(context, record, tonight)
    pairs = {name: as_json(night) | {"key": key, "clock": clock} for name, (key, clock, (night, _)) in found.items()}
    influences = {(name, record["as_of"]): rows for name, (_, _, (_, rows)) in found.items()}
    return pairs, influence_table(influences, PARTS)


def _memory(context: Context, record: dict[str, Any], tonight: Tonight) -> dict[str, Any]:
    """Return what the refresh lane remembers of tonight."""
    champion, key = record["champion"], memory_key(context.params, context.champion)
    fresh, clock = tonight.candidates[champion], {"status": "running", "analysis": 0, "until": None}
    found = {OVER_POPULAR: (key, clock, level_night(tonight, fresh, record["as_of"]))}
    if record["lanes"]["refresh"] is not None and tonight.served is not None:
        night, rows = refresh_night(tonight, fresh, tonight.served, record["as_of"])
        served = record["serve"] == {"source": "refit", "recipe": champion}
        found[REFRESH] = (key, clock, (replace(night, served=served), rows))
    return found
