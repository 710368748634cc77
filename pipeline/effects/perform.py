"""An effect of the night that is open, by name: only who holds the night's lease acts on the world."""

import importlib
import sys

from pipeline.graph import EFFECTS
from pipeline.settings import Settings
from pipeline.stages.context import Context
from pipeline.state.journals import mend_all
from pipeline.state.lease import close, held


def perform(name: str, context: Context) -> str:
    """Carry out one of `graph.EFFECTS`; returns its line. `publish` compares the lease once more at its swap; with the
    last of them, the night is done.

    Raises:
        LeaseLost: a later night was opened.
        NetgainError: of the effect.
    """
    with held(context.settings.ledger, context.lease):
        mend_journals(context.settings)  # one that was killed between a journal and its copy is tried again
    said: str = importlib.import_module(f"pipeline.effects.{name}").run(context)
    if name == EFFECTS[-1]:
        close(context.settings.ledger, context.lease, "done")
    return said


def mend_journals(settings: Settings) -> None:
    """Have what nights rest on be whole, and say what was not.

    Raises:
        TableError: neither a journal nor its copy is.
    """
    for told in mend_all(settings.ledger, settings.releases):
        print(f"netgain: {told}", file=sys.stderr)  # noqa: T201
