"""decision.json: everything that a verdict rests on, everything that follows, and a digest over all of it.

A record is a pure function of its inputs and of the per-listener arrays: made again from itself
(`record_reader.inputs_from`, `make_record`), it must be the same.
"""

import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.gate.candidates import POPULAR, Candidate, Tonight
from pipeline.gate.decision import Decision, Prospect, decide, prospect
from pipeline.gate.descriptions import guardrail_descriptions, metric_descriptions
from pipeline.gate.economics import running_cost
from pipeline.gate.evidence import Arrays, Evidence, tonight_of, tonights_seeds
from pipeline.gate.guardrail import GUARDRAIL_ALPHA
from pipeline.gate.guardrails.registry import all_guardrails, named
from pipeline.gate.record_model import SCHEMA, ArrayFile
from pipeline.gate.spending import analysis_alpha, quarter
from pipeline.gate.verdict_sentence import sentence
from pipeline.json_values import Json, as_json
from pipeline.online.worth import learn, learned, lessons
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams

INPUT_KEYS = ("metrics", "guardrails", "gate", "assumptions", "evidence", "days", "arrays", "hashes")
"""Parts of a record that nothing is computed for: with the arrays, the rest follows from them."""


@dataclass(frozen=True)
class Inputs:
    """All inputs of a record except the arrays.

    Attributes:
        as_of: the night, YYYY-MM-DD.
        k: length of the lists that were scored.
        evidence: what was measured, and the history.
        gate: thresholds.
        economics: assumptions.
        days: the decision window, YYYY-MM-DD.
        arrays: for each recipe, the served model and earlier comparisons: the table beside the record.
        hashes: SHA-256 of what else led here: logs, parameters, code of the rule.
        guardrails: names of those that are applied; None for all of this code.
        written: of INPUT_KEYS, what was read from a record and is to be written unchanged.
    """

    as_of: str
    k: int
    evidence: Evidence
    gate: GateParams
    economics: EconomicsParams
    days: tuple[str, ...]
    arrays: Mapping[str, ArrayFile]
    hashes: Mapping[str, str]
    guardrails: tuple[str, ...] | None = None
    written: Mapping[str, Any] = field(default_factory=dict)


def make_record(inputs: Inputs, arrays: Arrays) -> Json:
    """Return the content of decision.json; undefined values are null."""
    tonight = tonight_of(inputs.evidence, arrays)
    gate, economics = inputs.gate, inputs.economics
    rule = all_guardrails() if inputs.guardrails is None else named(inputs.guardrails)
    decision = decide(tonight, gate, economics, rule)
    popular = tonight.candidates.get(POPULAR)
    prospects = {
        u.recipe: prospect(
            u,
            (tonight.candidates[u.recipe], tonight.candidates[decision.champion]),
            gate,
            economics,
            experiments=tonight.experiments,
            popular_mean=math.nan if popular is None else float(popular.ndcg.mean()),
        )
        for u in decision.upgrades
    }
    worth = learn(economics, lessons(tonight.experiments))
    economics = learned(economics, worth)
    record = {
        "schema": SCHEMA,
        "as_of": inputs.as_of,
        "metric": f"ndcg_at_{inputs.k}",
        "sentence": sentence(decision, economics, inputs.k, prospects),
        **rounded(_outcome(decision, tonight, prospects, inputs)),
        **(rounded({"approval": as_json(decision.approval)}) if decision.approval else {}),
        **(rounded({"worth": as_json(worth)}) if worth.experiments else {}),
        **_inputs_written(inputs),
    }
    return record | {"digest": digest_of(record)}


def _inputs_written(inputs: Inputs) -> Json:
    made = {
        "metrics": metric_descriptions(inputs.k),
        "guardrails": guardrail_descriptions(inputs.guardrails),
        "gate": inputs.gate.model_dump(),
        "assumptions": inputs.economics.model_dump(),
        "evidence": as_json(inputs.evidence),
        "days": list(inputs.days),
        "arrays": {name: file.model_dump() for name, file in inputs.arrays.items()},
        "hashes": as_json(inputs.hashes),
    }
    return made | dict(inputs.written)


def digest_of(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record without its digest."""
    content = {key: value for key, value in record.items() if key != "digest"}
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def rounded(value: Any) -> Any:
    """Return a JSON value with floats rounded to 12 significant digits: a sum's last bits depend on the processor."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _outcome(decision: Decision, tonight: Tonight, prospects: Mapping[str, Prospect], inputs: Inputs) -> Json:
    outcome: Json = as_json(
        {
            "verdict": decision.verdict.value,
            "champion": decision.champion,
            "challenger": decision.challenger,
            "serve": {"source": decision.serve_source, "recipe": decision.serve_recipe},
            "gate_recipe": decision.gate_recipe,
            "override": decision.override,
            "n_eligible": decision.n_eligible,
            "faults": decision.faults,
            "left_out": decision.left_out,
            "notes": decision.notes,
            "lanes": {
                "refresh": decision.refresh,
                "upgrade": {
                    "verdict": decision.verdict.value,
                    "quarter": quarter(dt.date.fromisoformat(inputs.as_of)),
                    "alpha": analysis_alpha(inputs.gate.alpha, inputs.gate.max_entrants),
                    "n_challengers": len(decision.upgrades),
                    "n_analysed": sum(u.clock.analysis > 0 for u in decision.upgrades),
                },
            },
            "challengers": [
                {**as_json(u), "prospect": prospects[u.recipe], "cost_total": u.balance.cost_total}
                for u in decision.upgrades
            ],
            "constraints": decision.constraints,
            "recipes": {name: _shown(c, inputs.economics) for name, c in tonight.candidates.items()},
            "seeds": tonights_seeds(tonight),
            "guardrail_alpha": GUARDRAIL_ALPHA,
        }
    )
    return outcome


def _shown(candidate: Candidate, economics: EconomicsParams) -> Json:
    """Return a recipe's figures; its running cost [currency over the horizon] is computed from the price card."""
    night, content = candidate.night, candidate.content
    cost = None if night is None else running_cost(night, candidate.family, economics, content)
    return {
        "family": candidate.family,
        "n_fits": len(candidate.ndcg),
        "mean": float(candidate.ndcg.mean()) if candidate.ndcg.size else None,
        "seeds": candidate.seeds,
        "coverage": candidate.coverage,
        "top_share": candidate.top_share,
        "invalid_lists": candidate.n_invalid_lists,
        "night": candidate.night,
        "running_cost": cost,
        "running_cost_total": None if cost is None else cost.total,
    }
