"""The catalogue: artists in genres and in a latent space, and their tracks."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

N_GENRES = 36
N_FACTORS = 4
DEBUT_SHARE, DEBUT_DAYS = 0.2, 730
"""Share of artists that debut after the start, and the days over which they do, evenly."""


@dataclass(frozen=True)
class Shape:
    """What a world's catalogue is like, and how it is discovered.

    Attributes:
        artists: on offer to 1,500 listeners.
        growth: exponent with which that grows with their number (Heaps' law).
        tail_share: share of artists without fame, whom only a search within their genre finds.
        niche: share of discoveries that ignore fame within the genre.
        exponent, offset: an artist of rank r is as famous as (r + offset)^−exponent (Mandelbrot's law).
        mainstream: discoveries that follow fame over all genres have a share of Beta(2, mainstream).
        one_off: share of discoveries of artists without fame that the listener does not return to; the famous, less.
        tracks: median number of tracks of an artist without fame.
        hits: how many times more the most famous have, less one.
        famous: rank at which half of that is left; None if it falls over the whole catalogue.
    """

    artists: int
    growth: float
    tail_share: float
    niche: float
    exponent: float
    offset: float
    mainstream: float
    one_off: float
    tracks: float
    hits: float
    famous: float | None = None


SHORT = Shape(
    artists=10_000,
    growth=0.05,
    tail_share=0.4,
    niche=0.2,
    exponent=1.0,
    offset=8,
    mainstream=10.0,
    one_off=0.0,
    tracks=24,
    hits=3,
)
"""Thousands of artists, most of them heard by many: nights are quick, and figures of the long tail are not real."""
LONG = Shape(
    artists=350_000,
    growth=0.2,
    tail_share=0.0,
    niche=0.03,
    exponent=1.12,
    offset=15,
    mainstream=2.0,
    one_off=0.65,
    tracks=6,
    hits=15,
    famous=2000.0,
)
"""As many artists as it takes for three in five to be heard by one listener of 181: see tail.json."""


class Catalogue(NamedTuple):
    """Arrays over artists (n_artists) and tracks (n_tracks). A named tuple, because compiled code takes those.

    Attributes:
        genre: int32 (n_artists).
        scene: float32 (n_artists, N_FACTORS), unit vectors: the artist's place within the genre.
        debut: int32 (n_artists), first day, from the simulation's start, on which the artist can be heard.
        first_track: int32 (n_artists + 1), the artist's tracks are first_track[a] … first_track[a + 1] − 1, best first.
        artist: int32 (n_tracks), the track's artist.
        ms: int32 (n_tracks), length [ms].
        members: int32 (n_artists), artists sorted by genre.
        first_member: int32 (N_GENRES + 1), the genre's slice of `members`.
        reach: float64 (n_artists), running sum of popularity over a genre's slice of `members`, ending at 1.
        everyone: float64 (n_artists), running sum of popularity over all artists, ending at 1.
        niche: see `Shape`.
        one_off: float64 (n_artists), probability that a discovery of the artist leaves nothing to return to.
    """

    genre: npt.NDArray[np.int32]
    scene: npt.NDArray[np.float32]
    debut: npt.NDArray[np.int32]
    first_track: npt.NDArray[np.int32]
    artist: npt.NDArray[np.int32]
    ms: npt.NDArray[np.int32]
    members: npt.NDArray[np.int32]
    first_member: npt.NDArray[np.int32]
    reach: npt.NDArray[np.float64]
    everyone: npt.NDArray[np.float64]
    niche: float
    one_off: npt.NDArray[np.float64]


def catalogue_size(n_listeners: int, shape: Shape = SHORT) -> int:
    """Return the number of artists: it grows with the audience, less than in proportion."""
    return int(shape.artists * math.pow(max(n_listeners, 10) / 1500, shape.growth))


def make_catalogue(n_artists: int, rng: np.random.Generator, *, shape: Shape = SHORT) -> Catalogue:
    """Draw a catalogue. Artist 0 is the most popular; each artist's first track is its most popular."""
    weight = np.power(np.arange(n_artists) + float(shape.offset), -shape.exponent)
    weight[round(n_artists * (1 - shape.tail_share)) :] = (
        0  # fame leads to none of these; a search within the genre may
    )
    genre_share = rng.dirichlet(np.full(N_GENRES, 4.0))
    genre = rng.choice(N_GENRES, size=n_artists, p=genre_share).astype(np.int32)
    # Every genre has an artist, because a listener's taste may point to any genre.
    genre[:N_GENRES] = np.arange(N_GENRES) if n_artists >= N_GENRES else np.arange(n_artists)
    scene = rng.standard_normal((n_artists, N_FACTORS))
    debut = np.where(rng.random(n_artists) < DEBUT_SHARE, rng.integers(0, DEBUT_DAYS, n_artists), -1)
    debut[:N_GENRES] = -1

    ranks = np.arange(n_artists)
    fame = np.linspace(1.0, 0.0, n_artists) ** 3 if shape.famous is None else 1 / (1 + ranks / shape.famous)
    n_tracks = np.clip(rng.lognormal(np.log(shape.tracks * (1 + shape.hits * fame)), 0.6), 3, 200).astype(np.int32)
    first_track = np.concatenate(([0], np.cumsum(n_tracks))).astype(np.int32)
    artist = np.repeat(np.arange(n_artists, dtype=np.int32), n_tracks)
    ms = np.clip(rng.lognormal(np.log(205_000), 0.25, first_track[-1]), 70_000, 900_000).astype(np.int32)

    members = np.argsort(genre, kind="stable").astype(np.int32)
    first_member = np.searchsorted(genre[members], np.arange(N_GENRES + 1)).astype(np.int32)
    reach = np.empty(n_artists)
    for low, high in pairwise(first_member.tolist()):
        reach[low:high] = _running_share(weight[members[low:high]])
    return Catalogue(
        genre=genre,
        scene=(scene / np.linalg.norm(scene, axis=1, keepdims=True)).astype(np.float32),
        debut=debut.astype(np.int32),
        first_track=first_track,
        artist=artist,
        ms=ms,
        members=members,
        first_member=first_member,
        reach=reach,
        everyone=_running_share(weight),
        niche=shape.niche,
        one_off=shape.one_off * (1 - fame),
    )


def _running_share(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    total = np.cumsum(weight)
    return total / total[-1:] if len(total) else total
