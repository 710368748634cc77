"""Simulate a day of all listeners, in compiled code. Each listener draws from a random stream of their own."""

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from pipeline.simulation.catalogue import Catalogue
from pipeline.simulation.listeners import State, Traits

DAY_SECONDS = 86_400
MAX_PLAYS = 1000
"""Plays per listener and day at most: room for as many is reserved, and further plays are dropped."""
_MAX_SESSIONS = 40
_MAX_SESSION_PLAYS = 400
_BREAK_SECONDS = 1860.0
# Numba's cache depends on this file only, so constants that compiled code reads must be defined here.
SESSION_SIGMA = 1.32
AFFINITY = 4.5  # preference for near scenes within a genre
HITS = 1.1  # > 1: an artist's hits are played before the rest
LAG_SIGMA = 2.4  # of the log of how long ago a repeated track was played
LIBRARY_SHARE = 0.37  # of repeats that go through discoveries instead of plays
LIBRARY_LAG = 2.2  # log of plays for a discovery
BINGE = 3.0  # new tracks of known artists come from artists met more recently, by this log
AGAIN = 0.05  # share of repeats that play the same track once more


class DayOfPlays(NamedTuple):
    """Aligned int32 arrays with an element per play: listener, second of the day, track, milliseconds played."""

    listener: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    track: npt.NDArray[np.int32]
    ms: npt.NDArray[np.int32]


def room(n_listeners: int) -> DayOfPlays:
    """Return arrays large enough for any day; only the pages in use take memory."""
    size = n_listeners * MAX_PLAYS
    return DayOfPlays(*(np.empty(size, dtype=np.int32) for _ in DayOfPlays._fields))


def rhythm(hour_share: list[float], peak: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return cumulative shares of sessions by hour, (n_listeners, 24): common shares, tilted to each listener's peak.

    With peaks spread evenly over the day the tilts cancel, and the audience as a whole keeps the common shares.
    """
    hours = np.arange(24)
    tilt = 1 + 0.4 * np.cos(2 * np.pi * (hours[None, :] + 0.5 - peak[:, None]) / 24)
    share = np.asarray(hour_share)[None, :] * tilt
    running = np.cumsum(share, axis=1)
    return np.asarray(running / running[:, -1:])


@numba.njit(cache=True)  # type: ignore[untyped-decorator]  # Numba ships no types
def uniform(streams: npt.NDArray[np.uint64], i: int) -> float:
    """Draw a number in [0, 1) from listener i's stream by SplitMix64 (Steele, Lea & Flood, OOPSLA 2014)."""
    streams[i] += np.uint64(0x9E3779B97F4A7C15)
    z = streams[i]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def normal(streams: npt.NDArray[np.uint64], i: int) -> float:
    """Draw a standard normal number (Box & Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(streams, i)))
    return float(radius * np.cos(2.0 * np.pi * uniform(streams, i)))


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def discover(i: int, day: int, catalogue: Catalogue, traits: Traits, state: State) -> int:
    """Draw an artist by taste: a genre, then fame within it; near scenes are accepted more often."""
    artist, best = 0, -2.0
    for _ in range(24):
        if uniform(state.streams, i) < traits.mainstream[i]:
            pick = int(np.searchsorted(catalogue.everyone, uniform(state.streams, i)))
        else:
            genre = min(
                int(np.searchsorted(state.taste[i], uniform(state.streams, i))), len(catalogue.first_member) - 2
            )
            low, high = catalogue.first_member[genre], catalogue.first_member[genre + 1]
            if low == high:
                continue
            if uniform(state.streams, i) < catalogue.niche:
                pick = catalogue.members[low + int((high - low) * uniform(state.streams, i))]
            else:
                pick = catalogue.members[low + np.searchsorted(catalogue.reach[low:high], uniform(state.streams, i))]
        if catalogue.debut[pick] > day or state.heard[i, pick >> 3] >> (pick & 7) & 1:
            continue
        nearness = 0.0
        for f in range(catalogue.scene.shape[1]):
            nearness += catalogue.scene[pick, f] * traits.scene[i, f]
        if nearness > best:
            artist, best = int(pick), nearness
        if uniform(state.streams, i) < np.exp(AFFINITY * (nearness - 1.0)):
            return int(pick)
    return artist


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def track_of(i: int, artist: int, depth: float, catalogue: Catalogue, state: State) -> int:
    """Draw a track of an artist; the greater `depth`, the more often a hit."""
    first, end = catalogue.first_track[artist], catalogue.first_track[artist + 1]
    return int(first) + int((end - first) * uniform(state.streams, i) ** depth)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def remembered(i: int, memory: float, state: State) -> int:
    """Draw a track from the listener's past; its distance in plays, or in discoveries, is lognormal.

    Repeating plays only would let a few tracks take over (Yule's process); discoveries give every track a chance.
    """
    wide = np.exp(LAG_SIGMA * normal(state.streams, i))
    known = min(state.n_discovered[i], state.library.shape[1])
    if known > 0 and uniform(state.streams, i) < LIBRARY_SHARE:
        lag = int(np.exp(memory - LIBRARY_LAG) * wide)
        if lag >= known:
            lag = int(known * uniform(state.streams, i))
        return int(state.library[i, (state.n_discovered[i] - 1 - lag) % state.library.shape[1]])
    known = min(state.n_played[i], state.history.shape[1])
    lag = int(np.exp(memory) * wide)
    if lag >= known:
        lag = int(known * uniform(state.streams, i))
    return int(state.history[i, (state.n_played[i] - 1 - lag) % state.history.shape[1]])


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def choose(i: int, day: int, catalogue: Catalogue, traits: Traits, state: State) -> tuple[int, bool, bool]:
    """Return the next track, whether it was chosen as new, and whether it leaves nothing to return to."""
    last = state.last[i]
    if last >= 0 and uniform(state.streams, i) < traits.album[i]:
        # Go on with the artist, whose tracks count as known.
        artist = catalogue.artist[last]
        if last + 1 < catalogue.first_track[artist + 1] and uniform(state.streams, i) < 0.7:
            return last + 1, False, False
        return track_of(i, artist, HITS, catalogue, state), False, False
    if state.n_played[i] > 0 and uniform(state.streams, i) >= traits.novelty[i]:
        if last >= 0 and uniform(state.streams, i) < AGAIN:
            return last, False, False
        return remembered(i, traits.memory[i], state), False, False
    if state.n_played[i] == 0 or uniform(state.streams, i) < traits.curiosity[i]:
        found = track_of(i, discover(i, day, catalogue, traits, state), HITS, catalogue, state)
        # Without one-offs nothing is drawn: the log of a seed stays the same.
        one_off = catalogue.one_off[catalogue.artist[found]]
        return found, True, one_off > 0 and uniform(state.streams, i) < one_off
    known = catalogue.artist[remembered(i, traits.memory[i] - BINGE, state)]
    return track_of(i, known, 1.0, catalogue, state), True, False


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def listen(  # noqa: PLR0917  # compiled code is called by position
    i: int, track: int, new: bool, once: bool, catalogue: Catalogue, traits: Traits, state: State
) -> int:
    """Play a track and return the milliseconds played: a skip, a part, or the whole track."""
    ms = catalogue.ms[track]
    artist = catalogue.artist[track]
    state.heard[i, artist >> 3] |= 1 << (artist & 7)
    skips = traits.skips[i] + (0.12 if new else 0.0)
    draw = uniform(state.streams, i)
    if draw < skips:
        if uniform(state.streams, i) < 0.045:
            return 0
        return min(int(1000 * np.exp(1.5 + 1.1 * normal(state.streams, i))) + 200, 29_999)
    if not once or state.n_played[i] == 0:
        state.history[i, state.n_played[i] % state.history.shape[1]] = track
        state.n_played[i] += 1
    if new and not once:
        state.library[i, state.n_discovered[i] % state.library.shape[1]] = track
        state.n_discovered[i] += 1
    if draw < skips + 0.22 * (1 - skips):
        return 30_000 + int((ms - 30_000) * uniform(state.streams, i))
    return int(ms)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def warm_up(n_plays: int, catalogue: Catalogue, traits: Traits, state: State) -> None:
    """Give every listener a past of n_plays choices before the first day, which is not logged."""
    for i in range(len(state.n_played)):
        for _ in range(n_plays):
            track, new, once = choose(i, -1, catalogue, traits, state)
            listen(i, track, new, once, catalogue, traits, state)
            state.last[i] = track
    # Artists heard long ago may be discovered again.
    state.heard[:] = 0


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def one_day(  # noqa: PLR0917
    day: int,
    intensity: float,
    rhythm: npt.NDArray[np.float64],
    catalogue: Catalogue,
    traits: Traits,
    state: State,
    out: DayOfPlays,
) -> int:
    """Write a day's plays to `out` and return their number. `intensity`, by weekday, scales the number of sessions."""
    n = 0
    starts = np.empty(_MAX_SESSIONS)
    for i in range(len(traits.joins)):
        if day < traits.joins[i]:
            continue
        limit = n + MAX_PLAYS
        n_sessions = 0
        if uniform(state.streams, i) < traits.active[i] or day == traits.joins[i]:
            # One session plus a Poisson number, by exponential waiting times (Knuth).
            mean = traits.sessions[i] * intensity - 1.0
            waited = -np.log(1.0 - uniform(state.streams, i))
            n_sessions = 1
            while waited < mean and n_sessions < _MAX_SESSIONS:
                waited -= np.log(1.0 - uniform(state.streams, i))
                n_sessions += 1
            for s in range(n_sessions):
                hour = min(int(np.searchsorted(rhythm[i], uniform(state.streams, i))), 23)
                starts[s] = 3600.0 * (hour + uniform(state.streams, i))
            starts[:n_sessions].sort()
        left, clock = state.left[i], state.clock[i]
        free = clock + _BREAK_SECONDS
        # Session −1 is the rest of a session that midnight interrupted.
        for s in range(-1, n_sessions):
            if s >= 0:
                # The mean of a lognormal is its median times exp(σ² / 2).
                spread = SESSION_SIGMA * normal(state.streams, i) - SESSION_SIGMA**2 / 2
                left = min(max(1, int(traits.session_plays[i] * np.exp(spread) + 0.5)), _MAX_SESSION_PLAYS)
                clock = max(starts[s], free)
                state.last[i] = -1
            played = left > 0
            while left > 0 and clock < DAY_SECONDS:
                if n == limit:
                    left = 0
                    break
                track, new, once = choose(i, day, catalogue, traits, state)
                ms = listen(i, track, new, once, catalogue, traits, state)
                out.listener[n], out.second[n], out.track[n], out.ms[n] = i, int(clock), track, ms
                n += 1
                left -= 1
                state.last[i] = track
                pause = 1.0 - 2.0 * np.log(1.0 - uniform(state.streams, i))
                if uniform(state.streams, i) < 0.04:
                    pause += 1200.0 * uniform(state.streams, i)
                clock += ms / 1000.0 + pause
            if played:
                free = clock + _BREAK_SECONDS
            if left > 0 or clock >= DAY_SECONDS:
                break
        state.left[i], state.clock[i] = left, clock - DAY_SECONDS
    return n
