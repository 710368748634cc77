"""Lists of experiments: a challenger's, the popular list, drafts of two lists, and lists without withheld items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.features.lists import Mapped
from pipeline.metrics.topk import TopK
from pipeline.online.assignment import withheld_pairs
from pipeline.online.drafting import TREATMENT, coins, team_draft
from pipeline.online.running import TREATMENT as TREATED
from pipeline.online.running import Running, place_of
from pipeline.recommenders.family import Reason
from pipeline.recommenders.protocol import Recommender
from pipeline.storage.schemas import ARMS

_SHORT = 1e-6


@dataclass(frozen=True)
class Source:
    """A model of the night, with its id maps and how its family explains lists."""

    model: Recommender
    mapped: Mapped
    reason: Reason


@dataclass(frozen=True)
class Made:
    """Lists of shape (n_listeners, k): items of the window, −1 for padding; scores, reasons, and what is a model's."""

    items: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    reasons: npt.NDArray[np.object_]
    from_model: npt.NDArray[np.bool_]


class Ask(Protocol):
    """Lists of a block of listeners; `names` are their tokens, `k` the length."""

    names: list[str]
    k: int

    def lists(self, source: Source | None, places: npt.NDArray[np.int64]) -> Made: ...


class Withheld:
    """What chance keeps out of the lists of a block's listeners."""

    def __init__(self, running: Running, names: Sequence[str], items: Sequence[str]) -> None:
        self._running, self._names, self._items = running, names, items
        self._taking_part = np.array([running.arm(name) == next(iter(running.arms)) for name in names])

    def depth(self, k: int) -> int:
        """Return how long lists must be, so that k items are left of all but one list in a million."""
        from scipy.stats import binom  # a night without experiments does not need it

        kept, depth = 1 - self._running.declared.withheld, k
        while binom.cdf(k - 1, depth, kept) > _SHORT:
            depth += 1
        return depth

    def left_out(
        self, top: TopK, from_model: npt.NDArray[np.bool_], places: npt.NDArray[np.int64], k: int
    ) -> tuple[TopK, npt.NDArray[np.bool_]]:
        """Return lists of k items without withheld ones, and which items are the model's.

        A list is never shorter for it: if too few items are left, as in a small catalogue, withheld ones end it.

        Args:
            top: longer lists, see `depth`.
            from_model: of their shape.
            places: their listeners' places in the block.
            k: the length.
        """
        users, columns = np.nonzero((top.items >= 0) & self._taking_part[places][:, None])
        pairs = np.stack([places[users], top.items[users, columns].astype(np.int64)])
        gone = np.zeros(top.items.shape, dtype=bool)
        about = self._running
        q = about.declared.withheld
        gone[users, columns] = withheld_pairs(about.salt, about.id, self._names, self._items, pairs, q=q)
        kept = np.argsort(gone | (top.items < 0), axis=1, kind="stable")[:, :k]
        items, scores = np.take_along_axis(top.items, kept, axis=1), np.take_along_axis(top.scores, kept, axis=1)
        ours = np.take_along_axis(from_model, kept, axis=1)
        return TopK(items, np.where(items >= 0, np.fmin.accumulate(scores, axis=1), np.nan)), ours


def with_experiments(
    served: Made, ask: Ask, running: Sequence[Running], challengers: Mapping[str, Source], *, night: str
) -> tuple[Made, pa.Table]:
    """Return the lists with those of experiments in place, and ARMS.

    Args:
        served: what the night serves, for each listener of the block.
        ask: makes other lists.
        running: the experiments.
        challengers: the models of their recipes.
        night: the date, by which drafts differ from night to night.
    """
    by_id = {each.id: each for each in running}
    found = {place: here for place, name in enumerate(ask.names) if (here := place_of(running, name)) is not None}
    made = Made(served.items.copy(), served.scores.copy(), served.reasons.copy(), served.from_model.copy())
    teams = dict.fromkeys(found, "")
    shown = dict.fromkeys(found, "")
    for each in by_id.values():
        mine = np.array([place for place, here in found.items() if here.experiment == each.id], dtype=np.int64)
        if each.design == "holdback":
            _put(made, mine, ask.lists(None, mine))
            shown |= dict.fromkeys(mine.tolist(), "popular")
        elif each.design == "split":
            mine = mine[[found[place].arm == TREATED for place in mine.tolist()]]
            _put(made, mine, ask.lists(challengers[str(each.declared.recipe)], mine))
            shown |= dict.fromkeys(mine.tolist(), str(each.declared.recipe))
        elif each.design == "interleave":
            theirs = ask.lists(challengers[str(each.declared.recipe)], mine)
            for row, place in enumerate(mine.tolist()):
                teams[place] = _draft(made, place, theirs, row, coins(each.salt, each.id, night, ask.names[place]))
    rows = [
        {
            "listener_id": ask.names[place],
            "experiment": here.experiment,
            "arm": here.arm,
            "propensity": here.propensity,
            "recipe": shown[place],
            "team": teams[place],
        }
        for place, here in found.items()
    ]
    return made, pa.Table.from_pylist(rows, schema=ARMS)


def _put(made: Made, places: npt.NDArray[np.int64], other: Made) -> None:
    for ours, theirs in zip(_parts(made), _parts(other), strict=True):
        ours[places] = theirs


def _draft(made: Made, place: int, theirs: Made, row: int, flips: Iterator[bool]) -> str:
    """Put a draft of a listener's two lists in place of the served one; return its teams."""
    k = made.items.shape[1]
    own, other = (lists[lists >= 0].tolist() for lists in (made.items[place], theirs.items[row]))
    drafted = team_draft(own, other, k, flips)
    chosen = [(theirs, row, at) if team == TREATMENT else (made, place, at) for team, at in drafted]
    items, reasons, ours = (
        [getattr(source, name)[at_row, at] for source, at_row, at in chosen]
        for name in ("items", "reasons", "from_model")
    )
    n = len(drafted)
    made.items[place], made.scores[place] = -1, np.nan
    made.items[place, :n], made.reasons[place, :n], made.from_model[place, :n] = items, reasons, ours
    made.scores[place, :n] = 1 - np.arange(n) / k  # two models have no common scale
    return "".join(team for team, _ in drafted)


def _parts(made: Made) -> tuple[npt.NDArray[np.generic], ...]:
    return made.items, made.scores, made.reasons, made.from_model
