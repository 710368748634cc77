"""Royalty classes of the simulated catalogue: what a play of an artist costs."""

import csv
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.simulation.lines import artist_id
from pipeline.simulation.world import make_world, stream
from pipeline.storage.json_files import write_text

CLASSES = {"major": (0.4, 0.0055), "independent": (0.4, 0.0035), "library": (0.2, 0.0015)}
"""For each class, its share of artists and the royalty of a play [EUR]; the mean over artists is .0039."""

_ROYALTIES = 16
"""Purpose of the random stream, apart from those of `pipeline.simulation.world`."""


def royalties(n_artists: int, seed: int) -> npt.NDArray[np.float64]:
    """Return the royalty of a play of each artist [EUR], whatever the artist's fame and genre; shape (n_artists,)."""
    shares, prices = (np.array(column) for column in zip(*CLASSES.values(), strict=True))
    return prices[stream(seed, _ROYALTIES).choice(len(prices), size=n_artists, p=shares)]


def write_royalties(path: Path, *, n_listeners: int, seed: int, n_artists: int | None = None) -> int:
    """Write a royalties.csv for the artists of `simulate` with the same arguments; return their number."""
    n = len(make_world(n_listeners, seed, n_artists).genre)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("item_id", "royalty_per_play"))
    rows.writerows((artist_id(artist), price) for artist, price in enumerate(royalties(n, seed).tolist()))
    write_text(path, text.getvalue())
    return n
