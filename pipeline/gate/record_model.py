"""The shape of decision.json, schema 5. docs/reference/decision.schema.json is drawn from it.

A change of the shape takes a new number, and a reader of this one (`record_reader.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.gate.comparison import EarlierSeeds, SeedVariance
from pipeline.gate.decision import Prospect, Refresh, Upgrade, Verdict, Waiting
from pipeline.gate.economics import Money, NightCost
from pipeline.gate.evidence import Evidence
from pipeline.gate.guardrail import Gate, Kind, Lane, Side, Unit
from pipeline.gate.spending import Override
from pipeline.json_values import OPTIONAL, Number
from pipeline.metrics.metric import Direction
from pipeline.online.worth import LearnedWorth, learned
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams

SCHEMA = 5

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    # defer_build: a process that only imports this module builds no validators.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Served(_Part):
    """What is served from this night on."""

    source: Literal["refit", "served"]
    """`refit`, the recipe fitted on all days up to the night; `served`, the model of the release as it is."""
    recipe: str


class UpgradeLane(_Part):
    """The upgrade lane."""

    verdict: Verdict
    quarter: str
    alpha: Number
    """α of one analysis of one challenger."""
    n_challengers: Count
    """Challengers that were compared."""
    n_analysed: Count
    """Those of them that could have been promoted: the others wait, or have spent their analyses."""


class Lanes(_Part):
    """The two lanes."""

    refresh: Refresh | None
    upgrade: UpgradeLane


@dataclass(frozen=True, kw_only=True)
class Challenger(Upgrade):
    """The upgrade lane's result for one challenger, with its outlook."""

    prospect: Prospect
    cost_total: Number
    """C, cost of switching over the horizon [currency]."""


class RecipeFigures(_Part):
    """A recipe as it was measured."""

    family: str
    n_fits: Count
    mean: Number
    """Mean of the decision's metric over listeners and fits."""
    seeds: SeedVariance
    coverage: Number
    """Share of the catalogue that its lists show."""
    top_share: Number
    """Share of its recommendations that go to the top 1 % of items."""
    invalid_lists: Count
    night: NightCost | None
    running_cost: Money | None
    running_cost_total: Number
    """Over the horizon [currency]."""


class MetricDescription(_Part):
    """What a metric is, in the words of the night's code."""

    name: str
    """Its key in `evidence.measured.*.metrics`."""
    label: str
    unit: str
    direction: Direction
    """Which values are better."""
    description: str


class GuardrailDescription(_Part):
    """What a guardrail is, in the words of the night's code. Only the guardrails listed were applied."""

    name: str
    """As in `gates`."""
    label: str
    explanation: str
    """What is measured, and what bounds it."""
    kind: Kind
    side: Side
    """On which side of its bound the figure must be."""
    unit: Unit
    lanes: tuple[Lane, ...]


class ArrayFile(_Part):
    """A table beside the record."""

    file: str
    """Its relative path."""
    bytes: Count
    sha256: Sha256


class DecisionRecord(_Part):
    """A night's verdict, what it rests on and what follows from that."""

    schema_: Annotated[Literal[5], Field(alias="schema")]
    as_of: date
    """The night."""
    metric: Annotated[str, Field(pattern="^ndcg_at_[0-9]+$")]
    """The metric that decides."""
    sentence: str
    """The verdict for people."""
    verdict: Verdict
    champion: str
    """Recipe that challengers were compared with."""
    challenger: str | None
    """The one that is promoted or came closest."""
    serve: Served
    gate_recipe: str
    """What the gate would serve without an override."""
    override: Override | None
    n_eligible: Count
    """Listeners that could be scored."""
    faults: tuple[str, ...]
    """What made the night INVALID."""
    left_out: Mapping[str, str]
    """For each challenger that could not be measured, why."""
    notes: tuple[str, ...]
    lanes: Lanes
    challengers: tuple[Challenger, ...]
    constraints: Mapping[str, tuple[Gate, ...]]
    """Absolute limits of each recipe."""
    recipes: Mapping[str, RecipeFigures]
    seeds: Mapping[str, EarlierSeeds]
    """Variance between tonight's fits, for nights to come."""
    guardrail_alpha: Number
    """Probability of a mistake that each guardrail's bound allows."""
    metrics: tuple[MetricDescription, ...]
    """The metrics that were known, in the order of pages."""
    guardrails: tuple[GuardrailDescription, ...]
    """The guardrails that were applied, in the order of pages."""
    approval: Annotated[Waiting | None, OPTIONAL] = None
    """The promotion that waits for a person or was answered by one; left out where none is asked."""
    worth: Annotated[LearnedWorth | None, OPTIONAL] = None
    """What experiments have taught about ε; left out without any, and `assumptions.elasticity` counts."""
    gate: GateParams
    assumptions: EconomicsParams
    """As given; the elasticity is what was believed before experiments."""
    evidence: Evidence
    days: tuple[date, ...]
    """The decision window."""
    arrays: Mapping[str, ArrayFile]
    """For each recipe, the served model and earlier comparisons: the table beside the record."""
    hashes: Mapping[str, Sha256]
    """SHA-256 of logs, parameters and the code of the rule."""
    digest: Sha256
    """SHA-256 of everything else in the record, as canonical JSON."""

    @property
    def economics(self) -> EconomicsParams:
        """The assumptions, with ε as experiments have taught it."""
        return self.assumptions if self.worth is None else learned(self.assumptions, self.worth)

    @property
    def k(self) -> int:
        """Length of the lists that were scored."""
        return int(self.metric.removeprefix("ndcg_at_"))
