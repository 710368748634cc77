"""Stage decide: the verdict of the night, with every number that led to it."""

from typing import Any

from pipeline.core.candidates import Candidate, Tonight
from pipeline.core.decision import Decision, decide
from pipeline.core.economics import running_cost
from pipeline.core.gates import GUARDRAIL_ALPHA
from pipeline.core.records import as_json
from pipeline.core.verdict_sentence import sentence
from pipeline.io.tables import write_json
from pipeline.stages.context import Context
from pipeline.stages.measurements import read_tonight

SCHEMA = 1
"""Version of decision.json's shape."""


def run(context: Context) -> str:
    """Write decision.json, and the recipes' figures for `dvc plots`. An INVALID night is a decision too: the stage
    succeeds, and the night ends with its own exit status."""
    tonight = read_tonight(context)
    decision = decide(tonight, context.params.gate, context.params.economics)
    record = decision_record(decision, tonight, context)
    write_json(context.layout.decision, record)
    write_json(context.layout.recipes_plot, plot_rows(record))
    return str(record["sentence"])


def decision_record(decision: Decision, tonight: Tonight, context: Context) -> dict[str, Any]:
    """What decision.json holds; what is undefined is null."""
    params, k = context.params, context.params.evaluation.k
    return {
        "schema": SCHEMA,
        "as_of": context.as_of.isoformat(),
        "metric": f"ndcg_at_{k}",
        "verdict": decision.verdict.value,
        "sentence": sentence(decision, params.economics, k),
        "champion": decision.champion,
        "challenger": decision.challenger,
        "serve": {"source": decision.serve_source, "recipe": decision.serve_recipe},
        "n_eligible": decision.n_eligible,
        "faults": list(decision.faults),
        "notes": list(decision.notes),
        "lanes": {
            "refresh": as_json(decision.refresh),
            "upgrade": {
                "verdict": decision.verdict.value,
                "alpha": params.gate.alpha,
                "n_challengers": len(decision.upgrades),
            },
        },
        "challengers": [as_json(upgrade) | {"cost_total": upgrade.cost.total} for upgrade in decision.upgrades],
        "recipes": {name: _measured(candidate, context) for name, candidate in tonight.candidates.items()},
        "guardrail_alpha": GUARDRAIL_ALPHA,
        "assumptions": params.economics.model_dump(),
        "gate": params.gate.model_dump(),
    }


def plot_rows(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Accuracy and cost of each recipe of a decision, by name; costs [s of CPU, B] are null where they are unknown."""
    return [
        {
            "recipe": name,
            "ndcg": figures["mean"],
            "coverage": figures["coverage"],
            "cpu_seconds": (figures["night"] or {}).get("cpu_seconds"),
            "model_bytes": (figures["night"] or {}).get("model_bytes"),
        }
        for name, figures in sorted(record["recipes"].items())
    ]


def _measured(candidate: Candidate, context: Context) -> dict[str, Any]:
    """A recipe's measured figures; its running cost [currency over the horizon] is those by the price card."""
    cost = None
    if candidate.night is not None:
        cost = running_cost(candidate.night, candidate.family, context.params.economics)
    figures: dict[str, Any] = as_json(
        {
            "family": candidate.family,
            "n_fits": len(candidate.ndcg),
            "mean": float(candidate.ndcg.mean()),
            "fit_variance": candidate.fit_variance,
            "coverage": candidate.coverage,
            "top_share": candidate.top_share,
            "invalid_lists": candidate.n_invalid_lists,
            "night": candidate.night,
            "running_cost": cost,
        }
    )
    return figures
