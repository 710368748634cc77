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
    why: str = ""
    """Why it is stopped or invalid, in plain words."""

    @property
    def measures_plays(self) -> bool:
        """Whether the experiment may teach what a gain is worth: a valid effect on plays with a standard error."""
        return self.state != "invalid" and self.effect is not None and self.effect_se is not None
