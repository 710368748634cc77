"""The ledger: every look at challengers, and every override, one JSON line each."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from pipeline.core.comparison import EarlierSeeds
from pipeline.core.spending import RECENT_NIGHTS, History, Override, look_number
from pipeline.errors import TableError
from pipeline.io.tables import atomic_path

LOOKS, OVERRIDES = "looks.jsonl", "overrides.jsonl"


def history(ledger: Path, *, as_of: dt.date, inputs: str, recipes: dict[str, str]) -> History:
    """What the nights before `as_of` leave to it.

    Args:
        ledger: the ledger's folder; none is an empty one.
        as_of: the night.
        inputs: digest of the night's parameters, logs and served release.
        recipes: for each recipe, a digest of its hyperparameters: other ones vary otherwise.

    Raises:
        TableError: a line of the ledger cannot be read.
    """
    looks = read_lines(ledger / LOOKS)
    before = {entry["as_of"]: entry for entry in looks if entry["as_of"] < as_of.isoformat()}  # the last of each date
    recent = [before[day] for day in sorted(before)[-RECENT_NIGHTS:]]
    seeds = {
        name: tuple(
            EarlierSeeds(found["relative_variance"], found["df"], found["of_means"])
            for found in (entry["seeds"].get(name) for entry in recent)
            if found and found["recipe"] == digest
        )
        for name, digest in recipes.items()
    }
    return History(
        look=look_number(looks, as_of=as_of, inputs=inputs),
        champion=recent[-1]["gate_recipe"] if recent else None,
        seeds={name: found for name, found in seeds.items() if found},
        override=_in_force(ledger, as_of),
    )


def add_look(ledger: Path, entry: dict[str, Any]) -> bool:
    """Enter a look; the same night with the same inputs is entered once, as it came out last.

    Returns:
        Whether it is a new one.
    """
    looks = read_lines(ledger / LOOKS)
    others = [look for look in looks if (look["as_of"], look["inputs"]) != (entry["as_of"], entry["inputs"])]
    if entry not in looks:
        _write_lines(ledger / LOOKS, [*others, entry])
    return len(others) == len(looks)


def add_override(ledger: Path, override: dict[str, Any]) -> None:
    """Enter an override; a later one takes the place of an earlier one, which stays on record."""
    _write_lines(ledger / OVERRIDES, [*read_lines(ledger / OVERRIDES), override])


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The entries of a file of the ledger; none where there is no file.

    Raises:
        TableError: a line is no JSON.
    """
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as err:
        raise TableError(
            f"{path} cannot be read: {err}",
            expected="a JSON object a line",
            fix="Restore it from a backup: without it, the gate does not know what it has tested.",
        ) from err


def _write_lines(path: Path, entries: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n" for entry in entries)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _in_force(ledger: Path, as_of: dt.date) -> Override | None:
    found = [o for o in read_lines(ledger / OVERRIDES) if o["since"] <= as_of.isoformat() <= o["until"]]
    return Override(**{key: found[-1][key] for key in ("recipe", "by", "reason", "since", "until")}) if found else None
