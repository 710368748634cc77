"""Whether the state database is whole."""

from pipeline.doctor.finding import Finding
from pipeline.errors import TableError
from pipeline.logs.manifest import TABLE as LANDED
from pipeline.releases.required_state import require_state
from pipeline.settings import Settings
from pipeline.state.rows import snapshot

CHECK = "ledger"


def look(settings: Settings) -> list[Finding]:
    """Check every page of the database, and count its entries."""
    from pipeline.state.schema import LOGS

    try:
        require_state(settings)
        with snapshot(settings.state) as state:
            counts = {table: len(state.entries(table)) for table in LOGS}
    except TableError as err:
        return [Finding(CHECK, "fail", err.found, err.fix)]
    return [Finding(CHECK, "ok", f"{counts[LANDED]:,} entries of landed files, {sum(counts.values()):,} in all")]
