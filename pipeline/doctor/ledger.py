"""Whether the journals that nights rest on can be read, and are what their copies are."""

from functools import partial

from pipeline.doctor.finding import Finding
from pipeline.errors import TableError
from pipeline.logs.manifest import FILE as LANDED
from pipeline.settings import Settings
from pipeline.state.journal import disagrees, read_lines
from pipeline.state.journals import journals, mend_all

CHECK = "ledger"


def look(settings: Settings) -> list[Finding]:
    """Each journal of the ledger, that of landed files among them, and the one beside the releases."""
    found, n_lines = [], {}
    for path in journals(settings.ledger, settings.releases):
        try:
            n_lines[path.name] = len(read_lines(path))
        except TableError as err:
            found.append(Finding(CHECK, "fail", err.found, err.fix))
        else:
            if disagrees(path):
                told = f"{path.name} is not what its copy is: it was cut off or changed"
                found.append(Finding(CHECK, "warn", told, "The next night mends it.", partial(_mend, settings)))
    told = f"{n_lines.get(LANDED, 0):,} entries of landed files, {sum(n_lines.values()):,} in all"
    return found or [Finding(CHECK, "ok", told)]


def _mend(settings: Settings, _by: str) -> str:
    return "; ".join(mend_all(settings.ledger, settings.releases))
