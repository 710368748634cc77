"""The listeners: traits that stay, and the state that passes from one day to the next."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pipeline.simulation.catalogue import N_FACTORS, N_GENRES, SHORT, Shape

HISTORY = 16_384
"""Plays that a listener remembers: half a year of the median listener."""
LIBRARY = 4096
"""Discovered tracks that a listener remembers."""
LATE_SHARE, LATE_DAYS = 0.2, 35
"""Share of listeners who join after the first day, and the days over which they do."""
TASTE_CONCENTRATION = 0.06
"""Concentration of the Dirichlet distribution over genres: a listener plays two or three genres mostly."""
TASTE_CHANGES_PER_DAY = 1 / 45

# Calibrated to facts.json. NOVELTY, ALBUM and SKIPS are logits of the median listener, MEMORY is a log of plays.
NOVELTY, NOVELTY_SPREAD = -1.63, 0.95
CURIOSITY = 0.33
ALBUM = -2.3
SKIPS = -0.68
MEMORY = 7.3


class Traits(NamedTuple):
    """The lasting traits of listeners; float64 of shape (n_listeners) unless stated.

    Attributes:
        joins: int32, day of the first play.
        sessions: mean number of sessions of an active day.
        session_plays: mean length of a session [plays].
        active: probability that a day has any play.
        peak: hour of the day with more sessions than in the common rhythm.
        novelty: probability that the next track is a new one.
        curiosity: share of new tracks that are of an artist found by taste, rather than of a known one.
        mainstream: share of artists found by overall popularity.
        album: probability of staying with the artist.
        skips: probability of skipping a known track.
        memory: log of the median age of a repeated play [plays].
        scene: float32 of shape (n_listeners, N_FACTORS), unit vectors: taste within genres.
    """

    joins: npt.NDArray[np.int32]
    sessions: npt.NDArray[np.float64]
    session_plays: npt.NDArray[np.float64]
    active: npt.NDArray[np.float64]
    peak: npt.NDArray[np.float64]
    novelty: npt.NDArray[np.float64]
    curiosity: npt.NDArray[np.float64]
    mainstream: npt.NDArray[np.float64]
    album: npt.NDArray[np.float64]
    skips: npt.NDArray[np.float64]
    memory: npt.NDArray[np.float64]
    scene: npt.NDArray[np.float32]


class State(NamedTuple):
    """The state that passes from one day to the next; changed in place.

    Attributes:
        streams: uint64 (n_listeners), a random stream for each listener.
        taste: float64 (n_listeners, N_GENRES), running sum of genre shares, ending at 1.
        history: int32 (n_listeners, HISTORY), a ring buffer of tracks that were played and not skipped.
        n_played: int64 (n_listeners), number of tracks ever written to it.
        heard: uint8 (n_listeners, n_artists / 8), a bit for each artist ever played.
        library: int32 (n_listeners, LIBRARY), a ring buffer of tracks that were chosen as new and not skipped.
        n_discovered: int64 (n_listeners), number of tracks ever written to it.
        clock: float64 (n_listeners), time at which the last session ended or goes on [s after the next midnight].
        left: int64 (n_listeners), plays left of that session.
        last: int32 (n_listeners), the previous track; −1 at the start of a session.
    """

    streams: npt.NDArray[np.uint64]
    taste: npt.NDArray[np.float64]
    history: npt.NDArray[np.int32]
    n_played: npt.NDArray[np.int64]
    heard: npt.NDArray[np.uint8]
    library: npt.NDArray[np.int32]
    n_discovered: npt.NDArray[np.int64]
    clock: npt.NDArray[np.float64]
    left: npt.NDArray[np.int64]
    last: npt.NDArray[np.int32]


def make_listeners(n: int, n_artists: int, rng: np.random.Generator, shape: Shape = SHORT) -> tuple[Traits, State]:
    """Draw n listeners, before their first play."""
    activity = _normals(n, rng)
    plays = np.clip(91 + 41 * activity, 8, 240)
    # More plays mean both more sessions and longer ones.
    session_mean = np.minimum(24.5 * (plays / 87) ** 0.5 * np.exp(0.25 * _normals(n, rng)), 0.9 * plays)
    scene = rng.standard_normal((n, N_FACTORS))
    traits = Traits(
        joins=np.where(rng.random(n) < LATE_SHARE, rng.integers(1, LATE_DAYS + 1, n), 0).astype(np.int32),
        sessions=plays / session_mean,
        session_plays=session_mean,
        active=1 - np.clip(np.exp(np.log(0.045) + 1.3 * _normals(n, rng)), 0, 0.5),
        peak=24 * _ranks(n, rng),
        novelty=_logistic(NOVELTY + NOVELTY_SPREAD * (0.87 * _normals(n, rng) - 0.5 * activity)),
        curiosity=np.clip(CURIOSITY + 0.06 * _normals(n, rng), 0.05, 0.95),
        mainstream=rng.beta(2, shape.mainstream, n),
        album=_logistic(ALBUM + 0.5 * _normals(n, rng)),
        skips=_logistic(SKIPS + 0.5 * _normals(n, rng)),
        memory=MEMORY + 0.5 * _normals(n, rng),
        scene=(scene / np.linalg.norm(scene, axis=1, keepdims=True)).astype(np.float32),
    )
    state = State(
        streams=rng.integers(0, 2**63, n, dtype=np.uint64),
        taste=np.cumsum(_tastes(n, rng), axis=1),
        history=np.zeros((n, HISTORY), dtype=np.int32),
        n_played=np.zeros(n, dtype=np.int64),
        heard=np.zeros((n, n_artists // 8 + 1), dtype=np.uint8),
        library=np.zeros((n, LIBRARY), dtype=np.int32),
        n_discovered=np.zeros(n, dtype=np.int64),
        clock=np.full(n, -86_400.0),
        left=np.zeros(n, dtype=np.int64),
        last=np.full(n, -1, dtype=np.int32),
    )
    return traits, state


def drift(state: State, rng: np.random.Generator) -> None:
    """Change the taste of some listeners: their genre shares move half way to a new draw."""
    moved = np.flatnonzero(rng.random(len(state.taste)) < TASTE_CHANGES_PER_DAY)
    state.taste[moved] = (state.taste[moved] + np.cumsum(_tastes(len(moved), rng), axis=1)) / 2


def _tastes(n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    return rng.dirichlet(np.full(N_GENRES, TASTE_CONCENTRATION), n)


def _ranks(n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw one number from each n-th of [0, 1), in random order: small audiences span the same range as large ones."""
    return (rng.permutation(n) + rng.random(n)) / n


def _normals(n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    return np.asarray(ndtri(_ranks(n, rng)))


def _logistic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))
