"""What a stage receives: parameters, the night's date, paths and machine settings."""

import datetime as dt
from dataclasses import dataclass

from pipeline.as_of import read_as_of
from pipeline.configuration import Params, load_params
from pipeline.gate.champion import ChampionDefinition
from pipeline.settings import Settings
from pipeline.stages.champion import read_champion
from pipeline.stages.layout import Layout
from pipeline.state.lease import Lease, LeaseLost, in_force


@dataclass(frozen=True)
class Context:
    """The declared inputs of a stage.

    Attributes:
        as_of: the night. Midnight UTC at its start is the first instant that the night may not see.
        lease: the right to act on the world for this night; None if no command opened it, or nothing needs it.
        champion: what the gate chose last; None before the first release. If params.yaml has another recipe under its
            name, `params` has the champion's, too.
    """

    params: Params
    as_of: dt.date
    layout: Layout
    settings: Settings
    lease: Lease | None = None
    champion: ChampionDefinition | None = None

    @property
    def decision_from(self) -> dt.date:
        """First day of the decision window, which ends at `as_of`."""
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
        ParamsError: params.yaml or night.yaml is missing or faulty, or champion.yaml is damaged.
        LeaseLost: another owner holds the lease.
    """
    layout = Layout(settings.workspace)
    as_of = read_as_of(layout.night)
    lease = in_force(settings.state) if acting or settings.owner is not None else None
    if settings.owner is not None and lease is not None and lease.owner != settings.owner:
        raise LeaseLost(
            f"the open night is not that of {settings.owner} any more: it is {lease}",
            expected="a night with one owner",
            fix="Nothing was written. Start the whole run again when the other night has ended.",
        )
    params, champion = read_champion(layout.champion, load_params(layout.params))
    return Context(params, as_of, layout, settings, lease, champion)
