"""Simulate listening logs: one file per day, the same bytes for the same seed."""

import calendar
import gzip
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import ParamsError
from pipeline.simulation.catalogue import SHORT, Shape
from pipeline.simulation.dirt import MALFORMED, Dirt, with_malformed
from pipeline.simulation.lines import lines, listener_id, listener_pieces, time_pieces, track_pieces
from pipeline.simulation.names import artist_names, track_names
from pipeline.simulation.world import NAMES, SPOILS, days, make_world, stream
from pipeline.storage.atomic import atomic_path

Progress = Callable[[int, int], None]
"""(days done, days in total) → nothing; called after each day."""

_GZIP_LEVEL = 1
_MAX_LISTENERS, _MAX_DAYS, _MAX_SEED = 1_000_000, 36_500, 2**32
_MIN_ARTISTS, _MAX_ARTISTS = 1_000, 1_000_000


def simulate(
    *,
    n_listeners: int,
    n_days: int,
    seed: int,
    start: date,
    out: Path,
    n_artists: int | None = None,
    dirt: Dirt | None = None,
    shape: Shape = SHORT,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write plays-YYYY-MM-DD.jsonl.gz for each day into the folder `out`.

    A file does not depend on the number of days that follow. A call with more days adds files, and files that already
    have the right bytes are not written again.

    Args:
        n_listeners: number of listeners without bots.
        n_days: number of days from `start`.
        seed: in [0, 2³²).
        start: the first day, UTC.
        out: the folder to write to, created if missing.
        n_artists: size of the catalogue; by default `catalogue_size`.
        dirt: shares of faults; by default those of real logs.
        shape: of the catalogue; `LONG` has a real long tail.
        progress: called after each day.

    Returns:
        What was written, to check readers by: `lines` = `plays` + `duplicates` + `malformed` (by kind in
        `malformed_by_kind`), also for each of `files`; `zero_plays` and `bot_plays` among the plays; the bots' ids.

    Raises:
        ParamsError: a value is out of range, or `out` cannot be a folder.
    """
    _check(n_listeners=n_listeners, n_days=n_days, seed=seed, start=start, out=out, n_artists=n_artists)
    dirt = dirt or Dirt()
    n_bots = dirt.bots(n_listeners)
    catalogue = make_world(n_listeners, seed, n_artists, shape)
    naming = stream(seed, NAMES)
    artists = artist_names(len(catalogue.genre), naming)
    tracks = track_pieces(catalogue, artists, track_names(len(catalogue.artist), naming))
    listeners = listener_pieces(n_listeners + n_bots)
    files: list[dict[str, Any]] = []
    pending: list[Future[bool]] = []
    # Compression releases the GIL: a thread compresses one day while the next is simulated.
    with ThreadPoolExecutor(max_workers=1) as packer:
        for day in days(
            catalogue, n_listeners=n_listeners, n_days=n_days, seed=seed, start=start, dirt=dirt, shape=shape
        ):
            text, at = lines(
                day.plays, day.rows, listeners=listeners, times=time_pieces(day.date.isoformat()), tracks=tracks
            )
            spoils = stream(seed, SPOILS, (day.date - start).days)
            content, spoilt = with_malformed(text.tobytes(), at, dirt.malformed_share, spoils)
            name = f"plays-{day.date.isoformat()}.jsonl.gz"
            files.append(
                {
                    "path": name,
                    "lines": len(day.rows) + sum(spoilt.values()),
                    "plays": len(day.plays.second),
                    "duplicates": day.n_duplicates,
                    "malformed": sum(spoilt.values()),
                    "malformed_by_kind": spoilt,
                    "zero_plays": int(np.sum(day.plays.ms == 0)),
                    "bot_plays": day.n_bot_plays,
                }
            )
            if pending:
                pending[-1].result()
            pending.append(packer.submit(_pack, out / name, content, day.date))
            if progress is not None:
                progress(len(files), n_days)
    totals = ("lines", "plays", "duplicates", "malformed", "zero_plays", "bot_plays")
    return {
        "format": "netgain",
        "n_listeners": n_listeners,
        "n_days": n_days,
        "seed": seed,
        "start": start.isoformat(),
        **{name: sum(file[name] for file in files) for name in totals},
        "malformed_by_kind": {kind: sum(file["malformed_by_kind"][kind] for file in files) for kind in MALFORMED},
        "bots": [listener_id(n_listeners + bot) for bot in range(n_bots)],
        "artists_on_offer": len(catalogue.genre),
        "tracks_on_offer": len(catalogue.artist),
        "files_written": sum(future.result() for future in pending),
        "files": files,
    }


def _pack(path: Path, content: bytes, day: date) -> bool:
    packed = gzip.compress(content, compresslevel=_GZIP_LEVEL, mtime=0)
    there = path.is_file() and path.stat().st_size == len(packed) and path.read_bytes() == packed
    if not there:
        with atomic_path(path) as temporary:
            temporary.write_bytes(packed)
    # The file's time is the end of the day, because ingest compares plays with the time of their file.
    over = calendar.timegm((day + timedelta(days=1)).timetuple())
    os.utime(path, (over, over))
    return not there


def _check(*, n_listeners: int, n_days: int, seed: int, start: date, out: Path, n_artists: int | None) -> None:
    for name, value, low, high in (
        ("listeners", n_listeners, 1, _MAX_LISTENERS),
        ("days", n_days, 1, _MAX_DAYS),
        ("seed", seed, 0, _MAX_SEED - 1),
        ("artists", _MIN_ARTISTS if n_artists is None else n_artists, _MIN_ARTISTS, _MAX_ARTISTS),
    ):
        if not low <= value <= high:
            raise ParamsError(f"--{name} {value}", expected=f"a whole number from {low} to {high}", fix="Correct it.")
    if start > date.max - timedelta(days=n_days):
        raise ParamsError(f"--start {start}", expected="a day long before the year 10000", fix="Choose an earlier day.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise ParamsError(
            f"--out {out}: {err.strerror}", expected="a folder that exists or can be made", fix="Choose another."
        ) from err
