"""An effect of the night that is open, by name: only who holds the night's lease acts on the world."""

import importlib

from pipeline.graph import EFFECTS
from pipeline.io.lease import close, held
from pipeline.stages.context import Context


def perform(name: str, context: Context) -> str:
    """Carry out one of `graph.EFFECTS`; returns its line. `publish` compares the lease once more at its swap; with the
    last of them, the night is done.

    Raises:
        LeaseLost: a later night was opened.
        NetgainError: of the effect.
    """
    with held(context.settings.ledger, context.lease):
        pass
    said: str = importlib.import_module(f"pipeline.stages.{name}").run(context)
    if name == EFFECTS[-1]:
        close(context.settings.ledger, context.lease, "done")
    return said
