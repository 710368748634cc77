"""Slices: groups of listeners whose accuracy is measured separately, so that no group pays for a better average."""

import datetime as dt

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]

SLICES = ("light", "heavy", "new")


def listener_slices(
    n_plays: npt.NDArray[np.int64],
    first_day: npt.NDArray[np.datetime64],
    *,
    decision_from: dt.date,
    light_share: float,
    heavy_share: float,
    new_listener_days: int,
) -> dict[str, Bools]:
    """Return the slices of the listeners in training.

    Args:
        n_plays: shape (n_listeners,), counted plays in training.
        first_day: shape (n_listeners,), datetime64[D], first counted play.
        decision_from: first day of the decision window.
        light_share: share of listeners [0, 1] with the fewest plays that are `light`; ties at the border are included.
        heavy_share: share of listeners [0, 1] with the most plays that are `heavy`; ties at the border are included.
        new_listener_days: listeners whose first play is at most this many days before `decision_from` are `new`.

    Returns:
        For each name of SLICES, bool of shape (n_listeners,). A listener can be in several, or in none.
    """
    n = len(n_plays)
    ascending = np.sort(n_plays)
    n_light, n_heavy = int(light_share * n), int(heavy_share * n)
    none = np.zeros(n, dtype=np.bool_)
    newest = np.datetime64(decision_from - dt.timedelta(days=new_listener_days), "D")
    return {
        "light": n_plays <= ascending[n_light - 1] if n_light else none,
        "heavy": n_plays >= ascending[n - n_heavy] if n_heavy else none,
        "new": first_day.astype("datetime64[D]") >= newest,
    }


def slices_of(rows: npt.NDArray[np.signedinteger], slices: dict[str, Bools]) -> dict[str, Bools]:
    """Return the slices of some listeners.

    Args:
        rows: shape (n,), each listener's row in training; −1 for a listener who is not in training.
        slices: from `listener_slices`.

    Returns:
        For each slice, bool of shape (n,). Listeners who are not in training are new, and neither light nor heavy.
    """
    known = rows >= 0
    out = {}
    for name, members in slices.items():
        picked = np.full(len(rows), name == "new")
        picked[known] = members[rows[known]]
        out[name] = picked
    return out
