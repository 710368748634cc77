"""Whether the state database is whole and can be written, and its names are made with this machine's key."""

from pipeline.doctor.finding import Finding
from pipeline.errors import SettingsError, TableError
from pipeline.logs.manifest import TABLE as LANDED
from pipeline.nightly.names import night_key
from pipeline.releases.required_state import require_state
from pipeline.settings import Settings
from pipeline.state.location import file_of
from pipeline.state.rows import snapshot

CHECK = "ledger"


def look(settings: Settings) -> list[Finding]:
    """Check every page of the database and the key of tokens, and count the entries."""
    from pipeline.state.database import require_writable
    from pipeline.state.schema import LOGS

    try:
        require_state(settings)
        with snapshot(settings.state) as state:
            counts = {table: len(state.entries(table)) for table in LOGS}
        if (path := file_of(settings.state)) is not None:
            require_writable(path)
        night_key(settings)
    except (TableError, SettingsError) as err:
        return [Finding(CHECK, "fail", err.found, err.fix)]
    return [Finding(CHECK, "ok", f"{counts[LANDED]:,} entries of landed files, {sum(counts.values()):,} in all")]
