"""The shape of decision.json as a JSON Schema, drawn from the classes that it is made of.

docs/reference/decision.schema.json is what `python -m pipeline.gate.record_schema` prints.
"""

import ast
import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from pipeline import params
from pipeline.gate.comparison import EarlierSeeds, SeedVariance
from pipeline.gate.decision import Prospect, Refresh, Upgrade, Verdict
from pipeline.gate.economics import Money, NightCost
from pipeline.gate.evidence import Evidence
from pipeline.gate.guardrails import Gate
from pipeline.gate.record import SCHEMA
from pipeline.gate.spending import Override
from pipeline.params import EconomicsParams, GateParams

Json = dict[str, Any]
_CLASSES = (
    Upgrade, Prospect, Refresh, Gate, Override, Evidence, NightCost, Money, SeedVariance, EarlierSeeds,
    GateParams, EconomicsParams,
)  # fmt: skip
_ATTRIBUTE = re.compile(r"^ {4,8}(\w+(?:, \w+)*): (.+(?:\n {12,}\S.*)*)", re.MULTILINE)


def record_schema() -> Json:
    """JSON Schema (draft 2020-12) of decision.json. Every key is always there; a number that is undefined is null."""
    defs: Json = {}
    for each in _CLASSES:
        found = TypeAdapter(each).json_schema(ref_template="#/$defs/{model}", mode="serialization")
        defs |= found.pop("$defs", {}) | {each.__name__: found}
    texts = {each.__name__: _attributes(each.__doc__ or "") for each in _all_dataclasses(_CLASSES)} | _params_texts()
    defs = {name: _strict(shape, texts.get(name, {})) for name, shape in sorted(defs.items())}
    upgrade = defs.pop("Upgrade")
    more = {"prospect": _ref("Prospect"), "cost_total": _number("C, cost of switching over the horizon [currency].")}
    defs["Challenger"] = _object({**upgrade["properties"], **more}, upgrade["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Netgain's decision.json, schema {SCHEMA}",
        **_object(_properties(), "A night's verdict, what it rests on and what follows from that."),
        "$defs": dict(sorted(defs.items())),
    }


def _properties() -> Json:
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    sha = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    verdict = {"enum": [str(each.value) for each in Verdict]}
    lane = _object(
        {"verdict": verdict, "quarter": text, "look": count, "alpha": _number(), "n_challengers": count},
        "The upgrade lane: its look of the quarter, and the α that each challenger may spend.",
    )
    recipe = _object(
        {
            "family": text,
            "n_fits": count,
            "mean": _number("Mean of the metric over listeners and fits."),
            "seeds": _ref("SeedVariance"),
            "coverage": _number("Share of the catalogue that its lists show."),
            "top_share": _number("Share of its recommendations that go to the top 1 % of items."),
            "invalid_lists": count,
            "night": _or_null(_ref("NightCost")),
            "running_cost": _or_null(_ref("Money")),
            "running_cost_total": _number("Over the horizon [currency]."),
        },
        "A recipe as it was measured.",
    )
    gates = {"type": "array", "items": _ref("Gate")}
    file = _object({"file": text, "bytes": count, "sha256": sha}, "A table beside the record, by a relative path.")
    return {
        "schema": {"const": SCHEMA},
        "as_of": {"type": "string", "format": "date", "description": "The night."},
        "metric": {"type": "string", "pattern": "^ndcg_at_[0-9]+$"},
        "sentence": text | {"description": "The verdict for people."},
        "verdict": verdict,
        "champion": text | {"description": "Recipe that challengers were held against."},
        "challenger": _or_null(text) | {"description": "The one that is promoted or came closest."},
        "serve": _object(
            {"source": {"enum": ["refit", "served"]}, "recipe": text}, "What is served from this night on."
        ),
        "gate_recipe": text | {"description": "What the gate itself would serve, without an override."},
        "override": _or_null(_ref("Override")),
        "n_eligible": count | {"description": "Listeners that could be scored."},
        "faults": {"type": "array", "items": text, "description": "What made the night INVALID."},
        "notes": {"type": "array", "items": text},
        "lanes": _object({"refresh": _or_null(_ref("Refresh")), "upgrade": lane}, "The two lanes."),
        "challengers": {"type": "array", "items": _ref("Challenger")},
        "constraints": {"type": "object", "additionalProperties": gates, "description": "Hard limits of each recipe."},
        "recipes": {"type": "object", "additionalProperties": recipe},
        "seeds": {"type": "object", "additionalProperties": _ref("EarlierSeeds")},
        "guardrail_alpha": _number("Probability of a mistake that each guardrail's bound allows."),
        "gate": _ref("GateParams"),
        "assumptions": _ref("EconomicsParams"),
        "evidence": _ref("Evidence"),
        "arrays": {"type": "object", "additionalProperties": file},
        "hashes": {"type": "object", "additionalProperties": sha, "description": "SHA-256 of what else led here."},
        "digest": sha | {"description": "SHA-256 of all of the above, as canonical JSON."},
    }


def _strict(shape: Any, texts: Mapping[str, str] = MappingProxyType({})) -> Any:
    """The shape with nothing left out and nothing added, and with null for a number that is undefined."""
    if isinstance(shape, list):
        return [_strict(each) for each in shape]
    if not isinstance(shape, dict):
        return shape
    told = {key: _strict(value) for key, value in shape.items() if key not in {"title", "default"}}
    if told.get("type") == "number":
        told["type"] = ["number", "null"]
    if "properties" in told:
        properties = {
            name: each | ({"description": texts[name]} if name in texts else {})
            for name, each in told["properties"].items()
        }
        about = " ".join((told.get("description") or "").split("Attributes:")[0].split())
        told |= _object(properties, about)
    return told


def _all_dataclasses(roots: tuple[type, ...]) -> set[type]:
    """The roots that are dataclasses, and those that their modules define."""
    modules = {__import__(root.__module__, fromlist=["_"]) for root in roots}
    return {
        each for module in modules for each in vars(module).values() if isinstance(each, type) and is_dataclass(each)
    }


def _params_texts() -> dict[str, dict[str, str]]:
    """The texts under the fields of params.py, by class. Pydantic would read them at the start of every process."""
    found: dict[str, dict[str, str]] = {}
    tree = ast.parse(Path(params.__file__).read_text(encoding="utf-8"))
    for each in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for field, below in pairwise(each.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                    found.setdefault(each.name, {})[name] = inspect.cleandoc(text)
    return found


def _attributes(docstring: str) -> dict[str, str]:
    """The texts of a docstring's section Attributes."""
    section = docstring.partition("Attributes:")[2]
    found = {names: " ".join(text.split()) for names, text in _ATTRIBUTE.findall(section)}
    return {name: text for names, text in found.items() for name in names.split(", ")}


def _object(properties: Json, description: str) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _number(description: str = "") -> Json:
    return {"type": ["number", "null"]} | ({"description": description} if description else {})


def _or_null(shape: Json) -> Json:
    return {"anyOf": [shape, {"type": "null"}]}


if __name__ == "__main__":
    print(json.dumps(record_schema(), indent=2, ensure_ascii=False))  # noqa: T201
