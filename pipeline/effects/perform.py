"""Run an effect of the open night, by name; only the holder of the night's lease may."""

import importlib
from functools import partial

from pipeline.graph import EFFECTS
from pipeline.releases.required_state import require_state
from pipeline.releases.shared import give
from pipeline.stages.context import Context
from pipeline.state.lease import close, held

CHANGE_RELEASES = ("publish", "erase")


def perform(name: str, context: Context) -> str:
    """Carry out one of `graph.EFFECTS` and return its line.

    `publish` compares the lease once more at its swap. After the last effect, the night is done.

    Raises:
        LeaseLost: a later night was opened.
        TableError: the state database is damaged or lost.
        NetgainError: the effect failed.
    """
    require_state(context.settings)
    with held(context.settings.state, context.lease):
        pass
    message: str = importlib.import_module(f"pipeline.effects.{name}").run(context)
    if name in CHANGE_RELEASES:
        give(context.settings, guard=partial(held, context.settings.state, context.lease))
    if name == EFFECTS[-1]:
        close(context.settings.state, context.lease, "done")
    return message
