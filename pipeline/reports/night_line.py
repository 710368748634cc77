"""What the front page keeps of a night: its verdict, and what it gains and costs."""

from pydantic import BaseModel, ConfigDict

from pipeline.gate.record_model import DecisionRecord
from pipeline.json_values import Number
from pipeline.reports.decision_view import View


class NightLine(BaseModel):
    """A night in a few figures, written to reports/nights/<as_of>.json."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    as_of: str
    verdict: str
    sentence: str
    champion: str
    challenger: str | None
    served: str
    """The recipe that is served from the night on."""
    overridden: bool
    n_listeners: int
    """Listeners that could be scored."""
    metric: str
    accuracy: Number
    """Of the recipe that is served, as it was measured."""
    currency: str
    horizon_days: int
    gain: Number
    """Of the challenger over the champion, a fraction of its mean; NaN without one."""
    gain_low: Number
    gain_high: Number
    monthly_cost: Number
    one_off_cost: Number
    net_benefit: Number
    probability: Number


def night_line(record: DecisionRecord) -> NightLine:
    """Return a decision in the figures of the front page."""
    view, nan = View(record), float("nan")
    spoken, figures = view.spoken, record.recipes.get(record.serve.recipe)
    base = nan if spoken is None else spoken.comparison.champion_mean
    balance = None if spoken is None else spoken.balance
    return NightLine(
        as_of=record.as_of.isoformat(),
        verdict=record.verdict,
        sentence=record.sentence,
        champion=record.champion,
        challenger=record.challenger,
        served=record.serve.recipe,
        overridden=record.override is not None,
        n_listeners=record.n_eligible,
        metric=view.metric,
        accuracy=nan if figures is None else figures.mean,
        currency=view.currency,
        horizon_days=view.economics.horizon_days,
        gain=nan if spoken is None else spoken.comparison.delta / base,
        gain_low=nan if spoken is None else spoken.interval[0] / base,
        gain_high=nan if spoken is None else spoken.interval[1] / base,
        monthly_cost=nan if balance is None else balance.monthly_cost,
        one_off_cost=nan if balance is None else balance.one_off_cost,
        net_benefit=nan if balance is None else balance.outlook.mean,
        probability=nan if balance is None else balance.outlook.probability_of_benefit,
    )
