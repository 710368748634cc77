"""Real fits of real recipes on simulated plays, from which the proofs draw nights and learn how nights vary."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.gate.economics import NightCost
from pipeline.storage.json_files import read_json, write_json

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """The amount of work: simulated listeners, days before the first fit, and fits of a stochastic recipe a date."""

    n_listeners: int
    n_days: int
    n_seeds: int
    dates: tuple[int, ...]
    """Days from the first fit to each: all recipes are fitted anew on each date, and judged on the days after it."""


@dataclass(frozen=True)
class Refits:
    """The accuracy and cost of all fits. A listener who played nothing new in a window has NaN there.

    Attributes:
        daily: for each recipe, each decision day's part of NDCG, shape (n_fits, n_dates, n_days, n_listeners).
        windows: for other lengths of the decision window in days, and for each recipe, NDCG of shape
            (n_fits, n_dates, n_listeners).
        dates: days from the first fit to each.
        families: the family of each recipe.
        nights: the cost of a night of each recipe.
        slices: for each slice, shape (n_dates, n_listeners).
        shuffled: as `daily`, on the first date: lists of a stochastic recipe, each assigned to another listener; shape
            (n_fits, n_days, n_listeners).
        leak_refused: whether training data that include a day of the decision window were refused.
    """

    daily: Mapping[str, Floats]
    windows: Mapping[int, Mapping[str, Floats]]
    dates: tuple[int, ...]
    families: Mapping[str, str]
    nights: Mapping[str, NightCost]
    slices: Mapping[str, Bools]
    shuffled: Floats
    leak_refused: bool

    @property
    def n_days(self) -> int:
        return int(next(iter(self.daily.values())).shape[2])

    @property
    def n_listeners(self) -> int:
        return int(next(iter(self.daily.values())).shape[3])

    def here(self, date: int) -> npt.NDArray[np.intp]:
        """Return the listeners that are eligible on a date, by its position."""
        return np.flatnonzero(~np.isnan(next(iter(self.daily.values()))[0, date, 0]))

    def mean(self, recipe: str) -> float:
        """Return a recipe's NDCG over all fits, dates and listeners."""
        return float(np.nanmean(self.daily[recipe].sum(axis=2)))


def save(root: Path, found: Refits, key: str) -> None:
    """Write refits to a folder, under a digest of what they were made from."""
    arrays: dict[str, npt.NDArray[Any]] = {f"daily_{name}": values for name, values in found.daily.items()}
    arrays |= {f"slice_{name}": members for name, members in found.slices.items()}
    arrays |= {f"window{days}_{name}": v for days, each in found.windows.items() for name, v in each.items()}
    for name, values in {**arrays, "shuffled": found.shuffled}.items():
        np.save(root / f"{name}.npy", values, allow_pickle=False)
    facts = {
        "key": key,
        "dates": list(found.dates),
        "families": dict(found.families),
        "nights": {name: asdict(cost) for name, cost in found.nights.items()},
        "leak_refused": found.leak_refused,
    }
    write_json(root / "refits.json", facts)


def saved(root: Path, key: str) -> Refits | None:
    """Return the refits of a folder; None if they were made from something else."""
    if not (root / "refits.json").exists() or read_json(root / "refits.json")["key"] != key:
        return None
    facts = read_json(root / "refits.json")
    arrays = {path.stem: np.load(path, allow_pickle=False) for path in sorted(root.glob("*.npy"))}

    def starting(prefix: str) -> dict[str, npt.NDArray[Any]]:
        return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}

    lengths = sorted({int(name.split("_")[0]) for name in starting("window")})
    return Refits(
        daily=starting("daily_"),
        windows={days: starting(f"window{days}_") for days in lengths},
        dates=tuple(facts["dates"]),
        families=facts["families"],
        nights={name: NightCost(**cost) for name, cost in facts["nights"].items()},
        slices=starting("slice_"),
        shuffled=arrays["shuffled"],
        leak_refused=facts["leak_refused"],
    )
