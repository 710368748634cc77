"""The catalogue: artists in genres and in a latent space, and their tracks."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

N_GENRES = 36
N_FACTORS = 4
DEBUT_SHARE, DEBUT_DAYS = 0.2, 730
"""Share of artists that debut after the start, and the days over which they do, evenly."""
BASE_ARTISTS, HEAPS = 10_000, 0.05
"""Number of artists for 1,500 listeners, and the exponent with which it grows with their number (Heaps' law)."""
TAIL_SHARE = 0.4
"""Share of artists without fame, whom only a search within their genre finds."""
TRACKS = 24
"""Median number of tracks of an artist without fame; the most famous have four times as many."""


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


def catalogue_size(n_listeners: int) -> int:
    """Return the number of artists: it grows with the audience, less than in proportion."""
    return int(BASE_ARTISTS * math.pow(max(n_listeners, 10) / 1500, HEAPS))


def make_catalogue(n_artists: int, rng: np.random.Generator, *, popularity_exponent: float = 1.0) -> Catalogue:
    """Draw a catalogue. Artist 0 is the most popular; each artist's first track is its most popular."""
    weight = np.power(np.arange(n_artists) + 8.0, -popularity_exponent)
    weight[round(n_artists * (1 - TAIL_SHARE)) :] = 0  # fame leads to none of these; a search within the genre may
    genre_share = rng.dirichlet(np.full(N_GENRES, 4.0))
    genre = rng.choice(N_GENRES, size=n_artists, p=genre_share).astype(np.int32)
    # Every genre has an artist, because a listener's taste may point to any genre.
    genre[:N_GENRES] = np.arange(N_GENRES) if n_artists >= N_GENRES else np.arange(n_artists)
    scene = rng.standard_normal((n_artists, N_FACTORS))
    debut = np.where(rng.random(n_artists) < DEBUT_SHARE, rng.integers(0, DEBUT_DAYS, n_artists), -1)
    debut[:N_GENRES] = -1

    fame = np.linspace(1.0, 0.0, n_artists) ** 3
    n_tracks = np.clip(rng.lognormal(np.log(TRACKS * (1 + 3 * fame)), 0.6), 3, 200).astype(np.int32)
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
    )


def _running_share(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    total = np.cumsum(weight)
    return total / total[-1:] if len(total) else total
