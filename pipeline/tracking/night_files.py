"""The outputs of a night's stages, read for its MLflow record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.gate.record_model import Challenger, DecisionRecord
from pipeline.metrics.cost import Cost
from pipeline.tracking.records import TrainingData


@dataclass(frozen=True)
class NightFiles:
    """Contents of the files that the stages wrote.

    Attributes:
        decision: the record of the decision.
        recipes: by name, the fields of params.yaml.
        metrics: by recipe, data/metrics/R.json.
        fits, scorings: by recipe, costs.
        ingest: ingest.json.
        refits: costs of the fits that are served.
        lists: cost of the stage recommend.
        params: of the night as a whole, for the parent run.
        monitor: figures of the lists served before the night and of what came in; None where undefined.
    """

    as_of: str
    decision: DecisionRecord
    recipes: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Mapping[str, Any]]
    fits: Mapping[str, list[Cost]]
    scorings: Mapping[str, list[Cost]]
    ingest: Mapping[str, Any]
    refits: list[Cost]
    lists: Cost
    params: Mapping[str, Any]
    release: str
    commit: str | None
    data: TrainingData
    monitor: Mapping[str, float | None]

    @property
    def metric(self) -> str:
        return self.decision.metric

    @property
    def k(self) -> int:
        """Length of the lists that were scored."""
        return self.decision.k

    def challenger(self, recipe: str) -> Challenger | None:
        """Return the gate's figures on a challenger; None for the champion, or if the night is INVALID."""
        return next((each for each in self.decision.challengers if each.recipe == recipe), None)

    def role(self, recipe: str) -> str:
        decision = self.decision
        if recipe == decision.champion:
            return "champion"
        return "promoted" if decision.verdict == "PROMOTE" and recipe == decision.challenger else "challenger"
