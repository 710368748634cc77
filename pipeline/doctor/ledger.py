"""Whether the journals that nights rest on can be read."""

from pipeline.doctor.finding import Finding
from pipeline.errors import TableError
from pipeline.io.journal import read_lines
from pipeline.io.releases import REMOVED
from pipeline.logs.taken import FILE as LANDED
from pipeline.settings import Settings

CHECK = "ledger"


def look(settings: Settings) -> list[Finding]:
    """Each journal of the ledger, that of landed files among them, and the one beside the releases."""
    found, n_lines = [], {}
    for path in (*sorted(settings.ledger.glob("*.jsonl")), settings.releases / REMOVED):
        try:
            n_lines[path.name] = len(read_lines(path))
        except TableError as err:
            found.append(Finding(CHECK, "fail", err.found, err.fix))
    told = f"{n_lines.get(LANDED, 0):,} entries of landed files, {sum(n_lines.values()):,} in all"
    return found or [Finding(CHECK, "ok", told)]
