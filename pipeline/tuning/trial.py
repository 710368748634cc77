"""One trial: a recipe fitted on the days before the tuning window and judged on the tuning window."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from pipeline.errors import RecipeError
from pipeline.features.tuning import load_tuning
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.cost import Cost
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.interactions import Tuning
from pipeline.recommenders.registry import build
from pipeline.runtime.code_closure import code_digest
from pipeline.runtime.executor import Result
from pipeline.runtime.meter import CostMeter
from pipeline.storage.arrays import write_array
from pipeline.storage.cache import Cache, key_of
from pipeline.storage.checksums import digests

Floats = npt.NDArray[np.float64]

VALUES = "ndcg.npy"


@dataclass(frozen=True)
class Ground:
    """What all trials of a search share.

    Attributes:
        source: the folder of the tuning window.
        cache: where results are kept.
        version: digest of the window, and of the code that fits and measures.
        only_new: whether lists leave out what a listener has heard.
        k: length of the lists.
    """

    source: Path
    cache: Path
    version: str
    only_new: bool
    k: int

    @classmethod
    def of(cls, source: Path, *, cache: Path, only_new: bool, k: int) -> Self:
        """Return the tuning window in a folder, with a version computed from its content and the code.

        Raises:
            ReleaseError: the folder is missing.
        """
        version = key_of(code_digest(__name__), digests({"tuning": source}))
        return cls(source, cache, version, only_new, k)


@dataclass(frozen=True)
class TrialTask:
    """A recipe to try; `entropy` is what its fit draws from."""

    ground: Ground
    recipe: FamilyParams
    entropy: tuple[int, ...]

    @property
    def key(self) -> str:
        ground = self.ground
        made_from = [ground.version, ground.only_new, ground.k, self.recipe.model_dump(mode="json"), self.entropy]
        return key_of(*made_from)


@dataclass(frozen=True)
class Trial:
    """A recipe that was tried.

    Attributes:
        ndcg: float64 of shape (n_listeners,), of the listeners who played something that a list should have held.
        failed: why it could not be fitted; its lists are then empty, and ndcg is 0.
    """

    key: str
    recipe: FamilyParams
    ndcg: Floats
    cost: Cost
    failed: str | None

    @property
    def value(self) -> float:
        return float(self.ndcg.mean())

    @classmethod
    def cached(cls, task: TrialTask, result: Result) -> Self:
        """Return the trial that `run_trial` made of a task, read from the cache."""
        values = np.load(Cache(task.ground.cache).at(task.key) / VALUES, allow_pickle=False)
        return cls(task.key, task.recipe, values, Cost.from_dict(result["cost"]), result["failed"])


def run_trial(task: TrialTask) -> Result:
    """Fit, recommend and measure; store each listener's values in the cache, and return the cost and any failure."""
    ground = task.ground

    def make(folder: Path) -> Result:
        with CostMeter() as meter:
            values, failed = _try(_tuning(ground.source, ground.only_new, ground.version), task)
        write_array(folder / VALUES, values)
        return {"cost": meter.cost().to_dict(), "failed": failed}

    return Cache(ground.cache).make(task.key, make)


def _try(tuning: Tuning, task: TrialTask) -> tuple[Floats, str | None]:
    judges = np.flatnonzero(tuning.n_relevant > 0).astype(np.int32)
    heard = tuning.interactions.weights[judges] if tuning.only_new else None
    try:
        model = build(task.recipe).fit(tuning.interactions, rng=np.random.default_rng(task.entropy))
    except RecipeError as err:  # such as factors that diverge: an answer, not the end of the search
        return np.zeros(len(judges)), err.found
    lists = model.recommend(judges, k=task.ground.k, exclude=heard)
    return ndcg(hit_matrix(lists.items, tuning.relevant[judges]), tuning.n_relevant[judges]), None


@lru_cache(maxsize=1)
def _tuning(source: Path, only_new: bool, version: str) -> Tuning:
    """Read the tuning window, cached in each process; `version` keeps a Spark worker from using an earlier night's."""
    return load_tuning(source, only_new=only_new)
