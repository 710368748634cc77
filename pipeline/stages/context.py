"""What a stage is given: parameters, the night's date, paths and machine settings."""

import datetime as dt
import re
from dataclasses import dataclass

import yaml

from pipeline.errors import ParamsError
from pipeline.params import Params, load_params
from pipeline.settings import Settings
from pipeline.stages.layout import Layout
from pipeline.state.lease import Lease, LeaseLost, in_force

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Context:
    """The declared inputs of a stage.

    Attributes:
        as_of: the night. Midnight UTC at its start is the first instant that the night may not see.
        lease: the night's right to act on the world; None if it was never opened by a command, or nothing needs it.
    """

    params: Params
    as_of: dt.date
    layout: Layout
    settings: Settings
    lease: Lease | None = None

    @property
    def decision_from(self) -> dt.date:
        """First day of the decision window, which ends where the night's sight ends."""
        return self.as_of - dt.timedelta(days=self.params.split.decision_days)

    @property
    def tuning_from(self) -> dt.date:
        """First day of the tuning window, which ends where the decision window begins."""
        return self.decision_from - dt.timedelta(days=self.params.split.tuning_days)


def open_context(settings: Settings, *, acting: bool = True) -> Context:
    """Return the context of the night that is open in the workspace.

    Args:
        settings: of the machine.
        acting: whether the lease is needed. A pure stage writes only to this workspace, which the workspace's lock
            guards: without an owner to compare, it need not open the state database.

    Raises:
        ParamsError: params.yaml or night.yaml is missing or faulty.
        LeaseLost: the lease in force belongs to another owner.
    """
    layout = Layout(settings.workspace)
    try:
        as_of = str(yaml.safe_load(layout.night.read_text(encoding="utf-8"))["as_of"])
    except FileNotFoundError as err:
        raise ParamsError(
            f"no file {layout.night}", expected="an open night", fix="Run `netgain night --as-of DATE` first."
        ) from err
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as err:
        raise ParamsError(f"{layout.night} names no night", expected="as_of", fix="Open the night again.") from err
    lease = in_force(settings.state) if acting or settings.owner is not None else None
    if settings.owner is not None and lease is not None and lease.owner != settings.owner:
        raise LeaseLost(
            f"the open night is not that of {settings.owner} any more: it is {lease}",
            expected="a night with one owner",
            fix="Nothing was written. Start the whole run again when the other night has ended.",
        )
    return Context(load_params(layout.params), parse_as_of(as_of), layout, settings, lease)


def parse_as_of(text: str, *, today: dt.date | None = None) -> dt.date:
    """A night's date.

    Args:
        text: YYYY-MM-DD.
        today: where given, a later date is refused: its logs cannot have landed.

    Raises:
        ParamsError: the text is no date, or lies in the future.
    """
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        as_of = dt.date.fromisoformat(text)
    except ValueError as err:
        raise ParamsError(
            f"as_of = {text[:40]!r}", expected="a date YYYY-MM-DD", fix="Give --as-of the night's date in UTC."
        ) from err
    if today is not None and as_of > today:
        raise ParamsError(
            f"as_of = {as_of} lies in the future", expected=f"a date up to {today}", fix="Give a night that has come."
        )
    return as_of
