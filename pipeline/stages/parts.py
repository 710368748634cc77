"""What a mixed list hits of what its listener knew, and of what was new; part of the stage `evaluate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from pipeline.features.lists import rows_of
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.lists import lists_at
from pipeline.stages.scoring import Decided, Lists, in_vocabulary
from pipeline.storage.schemas import INTERACTIONS, ITEM_MAP, LISTENER_MAP
from pipeline.storage.tables import read_table


def parts_report(fits: Sequence[Lists], decided: Decided, train: Path, *, k: int) -> dict[str, Any]:
    """Return how lists do at known and at new items, as means over eligible listeners and fits.

    Args:
        fits: the lists of each fit.
        decided: what was played in the decision window.
        train: folder of the interactions before it: what a listener knew.
        k: length of the lists.

    Returns:
        `known` and `new`, each with the NDCG of the same lists against that part alone and the number `n` of listeners
        whose week held any of it; `share_known`, that of heard items on the lists. None without a listener to judge.
    """
    heard = heard_by(decided, train)
    given = decided.truth.relevant  # its entries are days, 0 among them
    relevant = sp.csr_matrix((np.ones(given.nnz, np.float32), given.indices, given.indptr), shape=given.shape)
    both = sp.csr_matrix(relevant.multiply(heard))
    both.eliminate_zeros()
    n_known = np.diff(both.indptr).astype(np.int32)
    wanted = {"known": n_known, "new": decided.truth.n_relevant - n_known}
    values: dict[str, list[float]] = {"known": [], "new": [], "share": []}
    for fit in fits:
        items = lists_at(*in_vocabulary(fit, decided))
        known, hits = hit_matrix(items, heard), hit_matrix(items, decided.truth.relevant)
        for part, among in (("known", known), ("new", ~known)):
            judged = wanted[part] > 0
            values[part] += ndcg((hits & among)[judged], wanted[part][judged]).tolist()
        values["share"] += [float(known.sum() / max((items >= 0).sum(), 1))]
    means = {name: float(np.mean(each)) if each else None for name, each in values.items()}
    return {
        **{part: {f"ndcg_at_{k}": means[part], "n": int((n > 0).sum())} for part, n in wanted.items()},
        "share_known": means["share"],
    }


def heard_by(decided: Decided, train: Path) -> sp.csr_matrix:
    """Return what each eligible listener had played: CSR float32 of shape (n_eligible, vocabulary), every entry 1."""
    played = read_table(train / "interactions.parquet", INTERACTIONS)
    rows = rows_of(read_table(train / "listeners.parquet", LISTENER_MAP)["listener_id"], decided.listener_ids)
    columns = rows_of(read_table(train / "items.parquet", ITEM_MAP)["item_id"], decided.item_ids)
    row, column = rows[played["listener_idx"].to_numpy()], columns[played["item_idx"].to_numpy()]
    there = (row >= 0) & (column >= 0)
    ones = np.ones(int(there.sum()), dtype=np.float32)
    return sp.csr_matrix((ones, (row[there], column[there])), shape=decided.truth.relevant.shape)
