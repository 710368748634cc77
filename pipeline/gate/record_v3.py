"""decision.json of schema 3, as it was written until metrics and guardrails described themselves.

It lists neither, and keeps some metrics among `qualities`. What it was judged by is fixed here.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipeline.gate.candidates import COVERAGE, TOP_SHARE
from pipeline.gate.descriptions import guardrail_descriptions, metric_descriptions
from pipeline.gate.economics import NightCost
from pipeline.gate.spending import History
from pipeline.json_values import Json, Number

SCHEMA = 3

METRICS = ("ndcg", "recall", "precision", "hit_rate", COVERAGE, "novelty", "gini", TOP_SHARE)
GUARDRAILS = (
    "not_worse_than_served",
    "lists_valid",
    "beats_popular",
    "coverage",
    "top_1_percent_share",
    "slice_heavy",
    "slice_light",
    "slice_new",
    "slices_pooled",
    "churn_between_fits",
    "batch_seconds_limit",
    "memory_limit",
    "model_bytes_limit",
    "churn_since_served",
    "batch_seconds",
    "memory",
    "model_bytes",
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Qualities(_Part):
    """Figures that were shown; all are missing for the served model."""

    fit: Mapping[str, Any] | None = None
    scoring: Mapping[str, Any] | None = None
    accuracy: Mapping[str, Number] = {}
    novelty: Number = float("nan")
    gini: Number = float("nan")
    slices: Mapping[str, Mapping[str, Any]] = {}


class Measured(_Part):
    """One recipe's figures, as of schema 3."""

    family: str
    stochastic: bool
    coverage: Number
    top_share: Number
    n_invalid_lists: int
    churn_between_fits: Number
    churn_since_served: float | None
    night: NightCost | None
    qualities: Qualities

    def upgraded(self) -> Json:
        """Return the same figures in the shape of schema 4."""
        shown = self.qualities
        catalogue = {"novelty": shown.novelty, "gini": shown.gini}
        return {
            "family": self.family,
            "stochastic": self.stochastic,
            "metrics": {**shown.accuracy, **catalogue, COVERAGE: self.coverage, TOP_SHARE: self.top_share},
            "n_invalid_lists": self.n_invalid_lists,
            "churn_between_fits": self.churn_between_fits,
            "churn_since_served": self.churn_since_served,
            "night": self.night,
            "fit": shown.fit,
            "scoring": shown.scoring,
            "slices": shown.slices,
        }


class EvidenceV3(_Part):
    """Inputs of a decision, as of schema 3."""

    recipes: tuple[str, ...]
    measured: Mapping[str, Measured]
    served_recipe: str | None
    served: Measured | None
    history: History
    faults: tuple[str, ...]

    def upgraded(self) -> Json:
        """Return the same inputs in the shape of schema 4."""
        return {
            "recipes": self.recipes,
            "measured": {name: each.upgraded() for name, each in self.measured.items()},
            "served_recipe": self.served_recipe,
            "served": None if self.served is None else self.served.upgraded(),
            "history": self.history,
            "faults": self.faults,
        }


def upgraded(document: Mapping[str, Any]) -> Json:
    """Return a record of schema 3 in the shape of schema 4.

    Raises:
        KeyError, ValueError: something is missing or mistyped.
    """
    return {
        **document,
        "schema": 4,
        "metrics": metric_descriptions(int(document["metric"].removeprefix("ndcg_at_")), METRICS),
        "guardrails": guardrail_descriptions(GUARDRAILS),
        "evidence": EvidenceV3.model_validate(document["evidence"]).upgraded(),
    }


def downgraded(document: Mapping[str, Any]) -> Json:
    """Return a newly made record in the shape of schema 3, but for the inputs, which are written as they were read."""
    return {key: value for key, value in document.items() if key not in {"metrics", "guardrails"}} | {"schema": SCHEMA}
