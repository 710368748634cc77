"""Assignment: which listeners take part in an experiment, and in which arm. The same salt gives the same arms.

The salt of a layer is fixed before its experiments start. What a listener is given depends on the salt, the name of the
experiment and the listener's token alone, so the night, the estimate and a later check all agree.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

N_BUCKETS = 10_000
Ranges = tuple[tuple[int, int], ...]
"""Buckets [low, high), in ascending order."""
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def layer_salt(key: bytes, layer: str) -> str:
    """Return the salt of a layer under the workspace's key, 32 hexadecimal digits.

    They are in capitals, so that no search takes a salt for the token of a listener.
    """
    return hmac.digest(key, f"netgain: salt of layer {layer}".encode(), "sha256").hex()[:32].upper()


def bucket(salt: str, experiment: str, token: str) -> int:
    """Return HMAC-SHA256(salt, experiment ‖ 0 ‖ listener) mod 10,000.

    >>> bucket("00" * 16, "tempo", "729deeac02f0953b846492e9c6bf5fd5")
    568
    """
    digest = hmac.digest(salt.encode(), f"{experiment}\0{token}".encode("utf-8", "surrogatepass"), "sha256")
    return int.from_bytes(digest, "big") % N_BUCKETS


def takes_part(salt: str, layer: str, ranges: Ranges, token: str) -> bool:
    """Return whether a listener's bucket in the layer is one of the experiment's."""
    found = bucket(salt, f"layer {layer}", token)
    return any(low <= found < high for low, high in ranges)


def arm_of(salt: str, experiment: str, arms: Mapping[str, float], token: str) -> str:
    """Return a participant's arm.

    Args:
        salt: of the layer.
        experiment: its name: two experiments on the same listeners draw anew.
        arms: the share of each arm; together 1.
        token: the listener's.
    """
    place, end = bucket(salt, experiment, token), 0.0
    for name, share in arms.items():
        end += share
        if place < round(end * N_BUCKETS):
            return name
    return list(arms)[-1]


def free_ranges(share: float, taken: Iterable[Ranges]) -> Ranges:
    """Return the first buckets of a layer that no running experiment has.

    Args:
        share: of all listeners; at least one bucket is taken.
        taken: buckets of the experiments that run.

    Raises:
        ValueError: fewer are free; the message says how large a share is.
    """
    wanted, free = max(1, round(share * N_BUCKETS)), np.ones(N_BUCKETS, dtype=bool)
    for low, high in (each for ranges in taken for each in ranges):
        free[low:high] = False
    if free.sum() < wanted:
        raise ValueError(f"{free.sum() / N_BUCKETS:.2%} of the listeners are in no other experiment")
    chosen = np.flatnonzero(free)[:wanted]
    breaks = np.flatnonzero(np.diff(chosen) > 1)
    starts, stops = chosen[np.r_[0, breaks + 1]], chosen[np.r_[breaks, len(chosen) - 1]] + 1
    return tuple((int(low), int(high)) for low, high in zip(starts, stops, strict=True))


def withheld_pairs(
    salt: str,
    experiment: str,
    listeners: Sequence[str],
    items: Sequence[str],
    pairs: npt.NDArray[np.int64],
    *,
    q: float,
) -> npt.NDArray[np.bool_]:
    """Return which (listener, item) pairs are kept out of lists, each with probability q, independently.

    A digest of the listener and one of the item are mixed (the finaliser of SplitMix64, Steele, Lea & Flood 2014), so
    that millions of pairs take a second.

    Args:
        salt: of the layer.
        experiment: its name.
        listeners: tokens.
        items: ids.
        pairs: shape (2, n), places in `listeners` and in `items`.
        q: the probability.

    Returns:
        bool of shape (n,).
    """
    theirs, its = (_seeds(salt, f"{experiment} {kind}", names) for kind, names in (("of", listeners), ("item", items)))
    return _mixed(_mixed(theirs[pairs[0]]) ^ its[pairs[1]]) < np.uint64(int(q * 2**64))


def _seeds(salt: str, what: str, names: Sequence[str]) -> npt.NDArray[np.uint64]:
    def seed(name: str) -> bytes:
        return hmac.digest(salt.encode(), f"{what}\0{name}".encode("utf-8", "surrogatepass"), "sha256")[:8]

    return np.frombuffer(b"".join(map(seed, names)), dtype="<u8")


def _mixed(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):  # modulo 2^64 is meant
        x = (x ^ (x >> np.uint64(30))) * _MIX1
        x = (x ^ (x >> np.uint64(27))) * _MIX2
    mixed: npt.NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
