"""The answers of `netgain lookup` and `netgain releases`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ReleaseError
from pipeline.identity.key import require_key
from pipeline.identity.tokens import token_of
from pipeline.releases.release import Release, current, open_release, release_ids
from pipeline.releases.removed import removed_ids
from pipeline.releases.rollback import withdrawn
from pipeline.state.location import Where
from pipeline.storage.schemas import FALLBACK, FAVOURITES, LISTS
from pipeline.storage.tables import conform

if TYPE_CHECKING:
    from pipeline.terminal_table import FittingTable

_BEST = 1e-9
"""The smallest score that shares can be taken of."""


@dataclass(frozen=True)
class Answer:
    """A list as it is served.

    Attributes:
        known: whether the list is the listener's own; an unknown listener gets the fallback list.
        rows: `rank`, `item_id`, `item_name`, `score`, `reason`, best first.
        favourites: `item_id`, `item_name`, `n_plays` of what the listener plays most; empty if that is not known.
    """

    token: str
    release: Release
    known: bool
    rows: list[dict[str, Any]]
    favourites: list[dict[str, Any]] = field(default_factory=list)


def token_in(release: Release, listener_id: str, key: bytes) -> str:
    """Return a listener's token for a look-up in a release.

    Args:
        release: the release.
        listener_id: as the listener's logs have it.
        key: of this machine, see `pipeline.identity.key.own_key`.

    Raises:
        SettingsError: the release's tokens were made with another key.
        ReleaseError: the release is from before tokens.
    """
    require_key_of(release, key)
    return token_of(listener_id, key)


def require_key_of(release: Release, key: bytes) -> None:
    """Check that the listeners of a release are tokens under a key.

    Raises:
        SettingsError: its tokens were made with another key.
        ReleaseError: it is from before tokens.
    """
    if release.id_key is None:
        raise ReleaseError(
            f"release {release.id} names listeners by their ids", expected="tokens", fix="Run `netgain state migrate`."
        )
    require_key(key, release.id_key, of=f"release {release.id}")


def lookup(release: Release, token: str) -> Answer:
    """Return the list that a listener is served.

    Args:
        release: the release.
        token: the listener's, see `token_in`.

    Raises:
        ReleaseError: its files cannot be read.
    """
    own = _read(release.lists, LISTS, filters=[("listener_id", "=", token)], release=release)
    table = own if own.num_rows else _read(release.fallback, FALLBACK, filters=None, release=release)
    rows = table.select(FALLBACK.names).sort_by("rank").to_pylist()
    favourites = []
    if own.num_rows and (path := release.folder / "favourites.parquet").exists():
        plays = _read(path, FAVOURITES, filters=[("listener_id", "=", token)], release=release)
        favourites = plays.select(["rank", "item_id", "item_name", "n_plays"]).sort_by("rank").to_pylist()
    return Answer(token, release, bool(own.num_rows), rows, favourites)


def share_of(score: float, best: float) -> float | None:
    """Return a score as a share of the best one of its list, in [0, 1]; None if the scores are not positive.

    Scores of different families and listeners have no common scale, so the figure itself says nothing.
    """
    return round(max(score / best, 0.0), 3) if best > _BEST else None


def _read(path: Path, schema: pa.Schema, *, filters: list[tuple[str, str, str]] | None, release: Release) -> pa.Table:
    try:
        return conform(pq.read_table(path, filters=filters), schema)
    except (OSError, pa.ArrowInvalid) as err:
        raise ReleaseError(
            f"release {release.id}: {path.name} cannot be read: {err}",
            expected="the file that was published",
            fix="Run the night again, or `netgain rollback`.",
        ) from err


def answer_lines(answer: Answer, listener: str) -> list[str]:
    """Return whose list it is and why, what the listener plays most, and where the list comes from.

    Args:
        answer: the list.
        listener: the name that was asked for.
    """
    release = answer.release
    origin = f"release {release.id}, recipe {release.recipe}"
    reason = _only_reason(answer)
    why = [f"why, for every item: {reason}"] if reason else []
    if not answer.known:
        return [f"{listener} is unknown: the fallback list, the same for all unknown listeners", *why, origin]
    played = ", ".join(f"{row['item_name']} ({row['n_plays']:,})" for row in answer.favourites)
    return [f"for {listener}", f"plays most: {played or 'not kept in this release'}", *why, origin]


def answer_table(answer: Answer) -> "FittingTable":
    """Return the list as a table for the terminal; a reason that all items share is left to `answer_lines`."""
    from rich.text import Text

    from pipeline.terminal_table import FittingTable

    heads = ("", "item", "share", *([] if _only_reason(answer) else ["why"]))
    table = FittingTable(*heads, right=("", "share"), prose=("item", "why"))
    for row in answer.rows:
        share = share_of(row["score"], answer.rows[0]["score"])
        # Names come from outside; as Text they cannot pass for markup.
        cells: list[str | Text] = [str(row["rank"]), Text(row["item_name"]), share_text(share), Text(row["reason"])]
        table.add_row(*cells[: len(table.columns)])
    return table


def share_text(share: float | None) -> str:
    """Return a share in whole percent; a small one is not 0.

    Examples:
        >>> share_text(0.805), share_text(0.004), share_text(0.0), share_text(None)
        ('80%', '<1%', '0%', '–')
    """
    if share is None:
        return "–"
    return "<1%" if 0 < share < 0.01 else f"{share:.0%}"


def _only_reason(answer: Answer) -> str | None:
    """Return the reason that all items of a list share; None if they differ."""
    reasons = {row["reason"] for row in answer.rows}
    return reasons.pop() if len(reasons) == 1 else None


def releases_table(root: Path, state: Where, *, keep: int) -> "FittingTable":
    """Return a table of all releases, newest first, marked as served, rollback target (`before`) or withdrawn.

    Args:
        root: folder of releases.
        state: the store in which rollbacks are recorded.
        keep: the number of releases that retention keeps; 0 for all.

    Raises:
        ReleaseError: no release is published.
    """
    from rich.text import Text

    from pipeline.terminal_table import FittingTable

    marks = dict.fromkeys(withdrawn(state), "withdrawn")
    try:
        served = current(root)
        marks |= {served.previous or "": "before", served.id: "served"}
    except ReleaseError:
        if not release_ids(root):
            raise
    table = FittingTable(
        "release", "", "recipe", "verdict", "listeners", "MiB", "after", right=("listeners", "MiB"),
        caption=f"{f'at least {keep}' if keep else 'all'} releases are kept; {len(removed_ids(root))} removed so far",
    )  # fmt: skip
    for name in reversed(release_ids(root)):
        try:
            release = open_release(root, name)
        except ReleaseError:
            table.add_row(name, marks.get(name, ""), "damaged: `netgain doctor`", style="red")
            continue
        size = sum(file["bytes"] for file in release.manifest["files"].values())
        table.add_row(
            release.id,
            marks.get(name, ""),
            release.recipe,
            Text(str(release.manifest["origin"]["verdict"])),
            f"{release.manifest['n_listeners']:,}",
            f"{size / 2**20:,.1f}",
            release.previous or "",
        )
    return table
