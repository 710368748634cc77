"""What is wrong with real logs, in known shares: duplicates, rows that cannot be read, bots."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.simulation.catalogue import Catalogue
from pipeline.simulation.kernel import DAY_SECONDS, DayOfPlays

_LISTENERS_PER_BOT = 750
_MIN_LISTENERS_FOR_BOTS = 50


@dataclass(frozen=True)
class Dirt:
    """Shares of a day's lines in [0, 1]; bots are declared by number, None for a number that suits the audience."""

    duplicate_share: float = 0.015
    """Exact copies of lines of the same day, further down the file."""
    malformed_share: float = 0.001
    """Lines that no reader can make a play of."""
    n_bots: int | None = None
    """Listeners who play a loop of three artists round the clock, a track every 20 to 40 seconds."""

    def bots(self, n_listeners: int) -> int:
        """Bots among an audience: none below 50 listeners, one from there on, two from 751."""
        if self.n_bots is not None:
            return self.n_bots
        return min(2, -(-n_listeners // _LISTENERS_PER_BOT)) if n_listeners >= _MIN_LISTENERS_FOR_BOTS else 0


CLEAN = Dirt(duplicate_share=0, malformed_share=0, n_bots=0)

MALFORMED = ("truncated", "missing_field", "null_listener", "bad_timestamp")


def bot_plays(bot: int, listener: int, catalogue: Catalogue, rng: np.random.Generator) -> DayOfPlays:
    """A bot's day: every track is cut a second or so after the 30 seconds from which a play is paid for."""
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
    """Row numbers in the order of a day's file, and how many of them are copies.

    Lines stand in order of time; a copy comes up to an hour after its original, as from a client that sends again.
    `share` is of all rows, copies included; it holds in every file, not in the mean.
    """
    n = len(plays.second)
    copies = np.sort(rng.choice(n, size=min(n, round(share / (1 - share) * n)), replace=False))
    rows = np.concatenate((np.arange(n), copies))
    time = np.concatenate((plays.second, plays.second[copies] + rng.integers(1, 3600, len(copies))))
    return rows[np.lexsort((rows, time))], len(copies)


def with_malformed(
    text: bytes, start: npt.NDArray[np.int64], share: float, rng: np.random.Generator
) -> tuple[bytes, dict[str, int]]:
    """Put spoilt copies of some lines behind them, as from a client whose second attempt succeeded first.

    Args:
        text: a day's lines.
        start: int64 (n_lines + 1), where each starts.
        share: spoilt lines among all.

    Returns:
        The lines, and the number of spoilt ones by kind.
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
    """A line that cannot be read as a play, made from one that can."""
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
