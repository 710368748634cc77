"""The faults of real logs, in known shares: duplicates, malformed lines, bots."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.simulation.catalogue import Catalogue
from pipeline.simulation.kernel import DAY_SECONDS, DayOfPlays

_LISTENERS_PER_BOT = 750
_MIN_LISTENERS_FOR_BOTS = 50


@dataclass(frozen=True)
class Dirt:
    """How much dirt a log gets: shares of a day's lines in [0, 1], and a number of bots."""

    duplicate_share: float = 0.015
    """Share of exact copies of lines of the same day, further down the file."""
    malformed_share: float = 0.001
    """Share of lines that cannot be read as plays."""
    n_bots: int | None = None
    """Bots, which loop three artists round the clock, a track every 20 to 40 s; None: a number by audience."""

    def bots(self, n_listeners: int) -> int:
        """Return the number of bots; by default none below 50 listeners, one from 50, two from 751."""
        if self.n_bots is not None:
            return self.n_bots
        return min(2, -(-n_listeners // _LISTENERS_PER_BOT)) if n_listeners >= _MIN_LISTENERS_FOR_BOTS else 0


CLEAN = Dirt(duplicate_share=0, malformed_share=0, n_bots=0)

MALFORMED = ("truncated", "missing_field", "null_listener", "bad_timestamp")


def bot_plays(bot: int, listener: int, catalogue: Catalogue, rng: np.random.Generator) -> DayOfPlays:
    """Return a day of a bot: it skips every track a second or so after the 30 s from which services pay for a play."""
    second = np.cumsum(rng.integers(20, 41, DAY_SECONDS // 20))
    second = second[second < DAY_SECONDS]
    n_artists = len(catalogue.genre)
    artists = n_artists - 1 - (3 * bot + rng.integers(0, 3, len(second))) % n_artists
    return DayOfPlays(
        listener=np.full(len(second), listener, dtype=np.int32),
        second=second.astype(np.int32),
        track=catalogue.first_track[artists],
        ms=rng.integers(30_100, 32_000, len(second)).astype(np.int32),
    )


def with_duplicates(plays: DayOfPlays, share: float, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], int]:
    """Return the row numbers of a day's file in order, with copies, and the number of copies.

    Lines are sorted by time; a copy follows its original within an hour, as if a client had sent it again. `share` is
    that of copies among all rows, in every file and not only on average.
    """
    n = len(plays.second)
    copies = np.sort(rng.choice(n, size=min(n, round(share / (1 - share) * n)), replace=False))
    rows = np.concatenate((np.arange(n), copies))
    time = np.concatenate((plays.second, plays.second[copies] + rng.integers(1, 3600, len(copies))))
    return rows[np.lexsort((rows, time))], len(copies)


def with_malformed(
    text: bytes, start: npt.NDArray[np.int64], share: float, rng: np.random.Generator
) -> tuple[bytes, dict[str, int]]:
    """Insert malformed copies of some lines after them.

    Args:
        text: a day's lines.
        start: int64 (n_lines + 1), the offset of each line.
        share: share of malformed lines among all.
        rng: draws lines and kinds.

    Returns:
        The lines, and the number of malformed ones by kind.
    """
    n = len(start) - 1
    spoilt = np.sort(rng.choice(n, size=min(n, round(share / (1 - share) * n)), replace=False))
    kinds = [MALFORMED[k] for k in rng.integers(0, len(MALFORMED), len(spoilt))]
    parts, at = [], 0
    for row, kind in zip(spoilt, kinds, strict=True):
        end = int(start[row + 1])
        parts += [text[at:end], spoil(text[start[row] : end - 1], kind), b"\n"]
        at = end
    return b"".join([*parts, text[at:]]), {kind: kinds.count(kind) for kind in MALFORMED}


def spoil(line: bytes, kind: str) -> bytes:
    """Return a malformed copy of a line, of a kind of MALFORMED."""
    match kind:
        case "truncated":
            return line[: len(line) // 2]
        case "missing_field":
            name = line.index(b',"track_id"')
            return line[:name] + line[line.index(b',"track_name"') :]
        case "null_listener":
            return b'{"listener_id":null' + line[line.index(b',"played_at"') :]
        case _:
            time = line.index(b'"played_at":"') + len(b'"played_at":"')
            return line[:time] + b"yesterday" + line[line.index(b'"', time) :]
