"""The estimate of one experiment, as pages, the ledger and learned worth read it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Design = Literal["holdback", "split", "interleave", "withhold"]
State = Literal["running", "ended", "stopped", "invalid"]
"""`stopped`: an arm was shown to harm and fell back to control. `invalid`: a check failed, and nothing of it counts."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class _Value(BaseModel):
    """Immutable and closed to unknown keys; it survives a round through JSON unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ArmResult(_Value):
    """One arm."""

    name: str
    recipe: str
    """Whose lists it shows."""
    share: NonNegative
    """Planned share of the listeners of the experiment."""
    assigned: Count
    """Listeners whose digest falls into the arm."""
    exposed: Count
    """Of them, those who asked for a list while the experiment ran."""
    plays_per_listener_day: NonNegative | None = None
    """None if no listener was exposed."""


class HarmBound(_Value):
    """What is watched of an arm, with a bound that may be looked at every night."""

    figure: Literal["plays", "active days", "credit"]
    effect: Finite
    """Relative effect on the figure."""
    upper: Finite
    """The truth lies below it on all nights at once, but for the error of the bound."""
    limit: Finite
    """The arm is stopped if `upper` falls below it."""

    @property
    def harms(self) -> bool:
        """Whether the arm is shown to harm."""
        return self.upper < self.limit


class Power(_Value):
    """What could have been found so far, one-sided at 5 %."""

    detectable: NonNegative
    """Relative effect that is found with probability .8, with the data so far."""
    at_end: NonNegative
    """The same at the experiment's end, if listeners go on as they do."""
    for_effect: Annotated[float, Field(ge=0, le=1)]
    """Probability of finding the declared effect, so far."""
    effect: NonNegative
    """The declared effect."""


class Pairs(_Value):
    """A recipe against what was served, on the decision window; relative discounted gain, with standard errors."""

    recipe: str
    withheld: Finite | None
    withheld_se: NonNegative | None
    raw: Finite | None
    raw_se: NonNegative | None
    n_withheld: Count
    """Withheld pairs that were played and are on one of the lists."""


class ExperimentResult(_Value):
    """What an experiment has shown up to a night."""

    id: str
    design: Design
    state: State
    control: str
    """Name of the arm that others are compared with."""
    treatment: str
    """Name of the arm that the effect is of."""
    arms: tuple[ArmResult, ...]
    offline_gain: Finite | None = None
    """g, the relative difference of the offline metric, treatment over control: .02 is +2 %; None if unknown."""
    offline_gain_se: NonNegative | None = None
    """Standard error of g; None if unknown."""
    effect: Finite | None = None
    """y, the relative difference of plays, treatment over control, in plays of exposed listeners: .02 is +2 %.

    None while it cannot be told: too few listeners or days, an invalid experiment, or a design (interleave, withhold)
    that ranks two recipes without measuring plays."""
    effect_se: NonNegative | None = None
    """Standard error of y, which knows listeners and days."""
    effect_df: NonNegative | None = None
    """Degrees of freedom of `effect_se`."""
    effect_days: NonNegative | None = None
    """Standard error of y from days alone: the part that more listeners do not make smaller."""
    listeners: Count
    """Listeners that the estimate is from: exposed, not contaminated."""
    days: Count
    """Days that it is from."""
    srm_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """P value of the sample ratio test; None where no sample was split (interleave)."""
    preference: Finite | None = None
    """Of a drafted list: credit of the treatment's items less that of the control's, over all credit."""
    preference_se: NonNegative | None = None
    harm: tuple[HarmBound, ...] = ()
    power: Power | None = None
    contaminated: Count = 0
    """Exposed listeners who were shown another arm than theirs; they are left out."""
    treated_days: Count = 0
    """Listener-days in the treatment so far; for an arm that was stopped, what finding its harm has cost."""
    pairs: tuple[Pairs, ...] = ()
    """Of withheld pairs, for each challenger."""
    why: str = ""
    """Why it is stopped or invalid, in plain words."""

    @property
    def measures_plays(self) -> bool:
        """Whether the experiment may teach what a gain is worth: a valid effect on plays with a standard error."""
        return self.state != "invalid" and self.effect is not None and self.effect_se is not None
