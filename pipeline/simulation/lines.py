"""Write JSON lines of the format `netgain` from prepared pieces of bytes.

A play: {"listener_id":"L000123","played_at":"2026-01-01T12:34:56Z","artist_id":"A00042","artist_name":"…",
"track_id":"T0001234","track_name":"…","ms_played":183000}
"""

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from pipeline.simulation.catalogue import Catalogue
from pipeline.simulation.kernel import DayOfPlays

Bytes = npt.NDArray[np.uint8]


class Pieces(NamedTuple):
    """Concatenated byte strings; string i is text[start[i]] … text[start[i + 1] − 1]."""

    text: Bytes
    start: npt.NDArray[np.int64]


def pieces(strings: list[str]) -> Pieces:
    """Return strings as UTF-8, concatenated."""
    encoded = [string.encode() for string in strings]
    start = np.concatenate(([0], np.cumsum([len(piece) for piece in encoded]))).astype(np.int64)
    return Pieces(np.frombuffer(b"".join(encoded), dtype=np.uint8), start)


def listener_pieces(n: int) -> Pieces:
    """Return the first part of a line for each listener."""
    return pieces([f'{{"listener_id":"{listener_id(i)}","played_at":"' for i in range(n)])


def track_pieces(catalogue: Catalogue, artist_names: list[str], track_names: list[str]) -> Pieces:
    """Return the middle part of a line for each track."""
    heads = [
        f'Z","artist_id":"{artist_id(a)}","artist_name":"{name}","track_id":"' for a, name in enumerate(artist_names)
    ]
    return pieces(
        [
            f'{heads[artist]}{track_id(t)}","track_name":"{name}","ms_played":'
            for t, (artist, name) in enumerate(zip(catalogue.artist.tolist(), track_names, strict=True))
        ]
    )


def time_pieces(day: str) -> Pieces:
    """Return the time for each second of a day."""
    return pieces([f"{day}T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86_400)])


def listener_id(i: int) -> str:
    """Return the id of listener i."""
    return f"L{i + 1:06}"


def artist_id(a: int) -> str:
    """Return the id of artist a."""
    return f"A{a + 1:05}"


def track_id(t: int) -> str:
    """Return the id of track t."""
    return f"T{t + 1:07}"


def lines(
    plays: DayOfPlays, rows: npt.NDArray[np.int64], *, listeners: Pieces, times: Pieces, tracks: Pieces
) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Return the lines of some rows of a day, each with a line feed, and the offset of each (n_rows + 1)."""
    length = np.full(len(plays.ms), _MS_ROOM, dtype=np.int64)
    for parts, index in ((listeners, plays.listener), (times, plays.second), (tracks, plays.track)):
        length += np.diff(parts.start)[index]
    out = np.empty(int(length[rows].sum()), dtype=np.uint8)
    start = np.empty(len(rows) + 1, dtype=np.int64)
    _fill(plays, rows, listeners, times, tracks, out, start)
    return out[: start[-1]], start


_MS_ROOM = 12


@numba.njit(cache=True)  # type: ignore[untyped-decorator]  # Numba ships no types
def _copy(parts: Pieces, i: int, out: Bytes, at: int) -> int:
    first, end = parts.start[i], parts.start[i + 1]
    for j in range(end - first):
        out[at + j] = parts.text[first + j]
    return int(at + end - first)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _fill(  # noqa: PLR0917  # compiled code is called by position
    plays: DayOfPlays,
    rows: npt.NDArray[np.int64],
    listeners: Pieces,
    times: Pieces,
    tracks: Pieces,
    out: Bytes,
    start: npt.NDArray[np.int64],
) -> None:
    at = 0
    for n in range(len(rows)):
        start[n] = at
        row = rows[n]
        at = _copy(listeners, plays.listener[row], out, at)
        at = _copy(times, plays.second[row], out, at)
        at = _copy(tracks, plays.track[row], out, at)
        ms, power = plays.ms[row], 1
        while power * 10 <= ms:
            power *= 10
        while power > 0:
            out[at] = np.uint8(48 + ms // power % 10)
            power //= 10
            at += 1
        out[at] = np.uint8(125)  # }
        out[at + 1] = np.uint8(10)
        at += 2
    start[len(rows)] = at
