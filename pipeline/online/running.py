"""An experiment that a night has opened: everything that decides what a listener is given, fixed from then on."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.errors import ParamsError
from pipeline.online.assignment import Ranges, arm_of, free_ranges, layer_salt, takes_part
from pipeline.params.experiments import Design, Experiment

CONTROL, TREATMENT = "control", "treatment"
HELD, REST = "held_back", "rest"
WITHHELD, WHOLE = "withheld", "whole"
DRAFTED = "drafted"
PRECEDENCE: tuple[Design, ...] = ("holdback", "split", "interleave", "withhold")
"""Which experiment an impression names, if its listener takes part in several."""


class Running(BaseModel):
    """One experiment, or one draw of a holdback."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """The name in params.yaml; from the second draw of a holdback on, with its number: `value.2`."""
    name: str
    declared: Experiment
    """As params.yaml had it when the experiment was opened."""
    opened: dt.date
    """The night whose release was the first with its lists."""
    until: dt.date
    """The night that ends it."""
    salt: str
    """Of its layer."""
    id_key: str
    """Fingerprint of the key of listeners' tokens."""
    ranges: Ranges = ()
    """Its buckets in the layer of lists."""
    definition: str | None = None
    """Of the challenger."""
    control_recipe: str | None = None
    control_definition: str | None = None
    """What the night served when it was opened."""
    closing: str = ""
    """Why tonight ends it; empty if it goes on."""
    closing_state: Literal["ended", "invalid"] = "ended"
    drawn_anew: bool = False
    """Whether the night that ends it may draw it anew: its time is over."""

    @property
    def design(self) -> Design:
        return self.declared.design

    @property
    def arms(self) -> dict[str, float]:
        """The share of each arm among those who take part; an arm without any is left out."""
        return {name: share for name, share in self._shares().items() if share > 0}

    def _shares(self) -> dict[str, float]:
        share = self.declared.share
        match self.design:
            case "holdback":
                return {HELD: share, REST: 1 - share}
            case "withhold":
                return {WITHHELD: share, WHOLE: 1 - share}
            case "interleave":
                return {DRAFTED: 1.0}
            case "split":
                return {CONTROL: 0.5, TREATMENT: 0.5}

    @property
    def compared(self) -> tuple[str, str]:
        """The names of control and treatment."""
        match self.design:
            case "holdback":
                return REST, HELD
            case "withhold":
                return WHOLE, WITHHELD
            case "interleave":
                return DRAFTED, DRAFTED
            case "split":
                return CONTROL, TREATMENT

    def arm(self, token: str) -> str | None:
        """Return a listener's arm; None if the listener does not take part."""
        if self.declared.layer == "lists" and not takes_part(self.salt, "lists", self.ranges, token):
            return None
        return arm_of(self.salt, self.id, self.arms, token)


@dataclass(frozen=True)
class Place:
    """What a listener is given in place of what the night serves.

    Attributes:
        experiment: its id.
        arm: the arm.
        propensity: the chance of the arm, among those who take part; of a drafted list, the chance with which either
            team picked first in a round.
        design: the design.
    """

    experiment: str
    arm: str
    propensity: float
    design: Design


def place_of(running: Sequence[Running], token: str) -> Place | None:
    """Return the experiment that chooses a listener's list or names its impressions; None if none does.

    A listener who is held back takes part in no experiment of the layer of lists.
    """
    for each in sorted(running, key=lambda r: PRECEDENCE.index(r.design)):
        arm = each.arm(token)
        if arm is not None and arm not in {REST, WHOLE}:
            propensity = 0.5 if each.design == "interleave" else each.arms[arm]
            return Place(each.id, arm, propensity, each.design)
    return None


def withholding(running: Sequence[Running]) -> Running | None:
    """Return the experiment that withholds items, if one runs."""
    return next((each for each in running if each.design == "withhold"), None)


def opened_tonight(
    name: str,
    declared: Experiment,
    *,
    draw: int,
    as_of: dt.date,
    beside: Sequence[Running],
    key: tuple[bytes, str],
    definition: str | None,
) -> Running:
    """Return an experiment that a night opens.

    Args:
        name: in params.yaml.
        declared: as params.yaml has it.
        draw: 1, and for a holdback that is drawn anew the next number.
        as_of: the night.
        beside: those that run already, of which none ends tonight.
        key: the workspace's key, and its fingerprint.
        definition: the challenger's; None for designs without one.

    Raises:
        ParamsError: it does not fit beside the others, or its end is past.
    """
    found = f"experiment {name} in params.yaml"
    if declared.end is not None and declared.end <= as_of:
        raise ParamsError(f"{found}, whose end {declared.end} is past", expected="a later end", fix="Change its end.")
    ranges: Ranges = ()
    if declared.layer == "lists":
        try:
            ranges = free_ranges(declared.share, [each.ranges for each in beside if each.declared.layer == "lists"])
        except ValueError as err:
            raise ParamsError(
                f"{found} wants a share of {declared.share:.2%}, but {err}",
                expected="shares that fit",
                fix="Lower its share, or close another experiment: `netgain experiment list`.",
            ) from err
    elif other := next((each.id for each in beside if each.design == declared.design), None):
        raise ParamsError(
            f"{found} is a {declared.design} beside {other}",
            expected="one of a kind",
            fix=f"Close the other one: `netgain experiment close {other}`.",
        )
    last = as_of + dt.timedelta(days=declared.nights)
    return Running(
        id=name if draw == 1 else f"{name}.{draw}",
        name=name,
        declared=declared,
        opened=as_of,
        until=min(last, declared.end) if declared.end else last,
        salt=layer_salt(key[0], declared.layer),
        id_key=key[1],
        ranges=ranges,
        definition=definition,
    )
