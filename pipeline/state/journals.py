"""All journals that nights rest on: of the ledger, and of what was removed from the releases."""

from pathlib import Path

from pipeline.state.journal import copy_of, journal_of, mend

REMOVED = "removed.jsonl"
"""The journal of a folder of releases: which were removed, and why."""


def journals(ledger: Path, releases: Path) -> list[Path]:
    """Those that there are, and those of which only the copy is left."""
    wanted = ((ledger, Path("*.jsonl")), (ledger, Path("*/*.jsonl")), (releases, Path(REMOVED)))
    return sorted(
        {
            journal_of(path)
            for folder, pattern in wanted
            for each in (pattern, copy_of(pattern))
            for path in folder.glob(str(each))
        }
    )


def mend_all(ledger: Path, releases: Path) -> list[str]:
    """Have each journal and its copy say the same; a sentence for each that was not what its copy is.

    Raises:
        TableError: of one, neither is whole.
    """
    found = [(path, mend(path)) for path in journals(ledger, releases)]
    return [
        f"{path} was cut off or changed: it is what its copy says again, {n} {'entry' if n == 1 else 'entries'}"
        for path, n in found
        if n is not None
    ]
