"""decision.json: everything that a verdict rests on, everything that follows, and a digest over all of it.

A record is a pure function of its inputs and of the per-listener arrays, so it can be made again from itself
(`inputs_from`, `make_record`) and must come out the same.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.gate.candidates import Candidate, Tonight
from pipeline.gate.decision import Decision, Prospect, decide, prospect
from pipeline.gate.economics import running_cost
from pipeline.gate.evidence import Arrays, Evidence, evidence_from, tonight_of, tonights_seeds
from pipeline.gate.guardrails import GUARDRAIL_ALPHA
from pipeline.gate.spending import quarter
from pipeline.gate.verdict_sentence import sentence
from pipeline.json_values import as_json
from pipeline.params import EconomicsParams, GateParams

SCHEMA = 3
"""Version of decision.json's shape, docs/reference/decision.schema.json."""


@dataclass(frozen=True)
class Inputs:
    """All that a record is made from, but for the arrays.

    Attributes:
        as_of: the night, YYYY-MM-DD.
        k: length of the lists that were scored.
        arrays: for each recipe, and the served model: path beside the record, bytes and SHA-256.
        hashes: SHA-256 of what else led here: logs, parameters, code of the rule.
    """

    as_of: str
    k: int
    evidence: Evidence
    gate: GateParams
    economics: EconomicsParams
    arrays: Mapping[str, Mapping[str, Any]]
    hashes: Mapping[str, str]


def make_record(inputs: Inputs, arrays: Arrays) -> dict[str, Any]:
    """What decision.json holds; what is undefined is null."""
    tonight = tonight_of(inputs.evidence, arrays)
    gate, economics = inputs.gate, inputs.economics
    decision = decide(tonight, gate, economics)
    prospects = {
        u.recipe: prospect(u, (tonight.candidates[u.recipe], tonight.candidates[decision.champion]), gate, economics)
        for u in decision.upgrades
    }
    record = {
        "schema": SCHEMA,
        "as_of": inputs.as_of,
        "metric": f"ndcg_at_{inputs.k}",
        "sentence": sentence(decision, economics, inputs.k, prospects),
        **rounded(_outcome(decision, tonight, prospects, inputs)),
        "gate": gate.model_dump(),
        "assumptions": economics.model_dump(),
        "evidence": as_json(inputs.evidence),
        "arrays": as_json(inputs.arrays),
        "hashes": as_json(inputs.hashes),
    }
    return record | {"digest": digest_of(record)}


def inputs_from(record: Mapping[str, Any]) -> Inputs:
    """What a record was made from.

    Raises:
        KeyError, TypeError, ValueError: something is missing, or is something else.
    """
    return Inputs(
        as_of=dt.date.fromisoformat(record["as_of"]).isoformat(),
        k=int(record["metric"].removeprefix("ndcg_at_")),
        evidence=evidence_from(record["evidence"]),
        gate=GateParams.model_validate(record["gate"]),
        economics=EconomicsParams.model_validate(record["assumptions"]),
        arrays=record["arrays"],
        hashes=record["hashes"],
    )


def digest_of(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record but for its digest."""
    told = {key: value for key, value in record.items() if key != "digest"}
    canonical = json.dumps(told, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def rounded(value: Any) -> Any:
    """Floats to 12 significant digits, more than any is known to: the last bits of a sum depend on the processor."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _outcome(decision: Decision, tonight: Tonight, prospects: Mapping[str, Prospect], inputs: Inputs) -> dict[str, Any]:
    alpha = decision.upgrades[0].alpha if decision.upgrades else None
    outcome: dict[str, Any] = as_json(
        {
            "verdict": decision.verdict.value,
            "champion": decision.champion,
            "challenger": decision.challenger,
            "serve": {"source": decision.serve_source, "recipe": decision.serve_recipe},
            "gate_recipe": decision.gate_recipe,
            "override": decision.override,
            "n_eligible": decision.n_eligible,
            "faults": decision.faults,
            "notes": decision.notes,
            "lanes": {
                "refresh": decision.refresh,
                "upgrade": {
                    "verdict": decision.verdict.value,
                    "quarter": quarter(dt.date.fromisoformat(inputs.as_of)),
                    "look": tonight.history.look,
                    "alpha": alpha,
                    "n_challengers": len(decision.upgrades),
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


def _shown(candidate: Candidate, economics: EconomicsParams) -> dict[str, Any]:
    """A recipe's figures; its running cost [currency over the horizon] is that by the price card."""
    cost = None if candidate.night is None else running_cost(candidate.night, candidate.family, economics)
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
