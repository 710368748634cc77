"""Lists for everybody, from models that may be older than the window."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from pipeline.configuration import Params, load_params
from pipeline.features import reasons
from pipeline.features.lists import Popularity, fill, popularity
from pipeline.metrics.topk import TopK
from pipeline.recommenders.families.blend import BlendParams
from pipeline.recommenders.families.item_knn import ItemKnnParams
from pipeline.recommenders.families.popular import PopularParams
from pipeline.recommenders.families.recent import RecentParams
from pipeline.recommenders.families.repeat import RepeatParams
from pipeline.recommenders.families.rp3beta import Rp3BetaParams
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import FAMILIES, build
from pipeline.runtime.inprocess import InProcess
from pipeline.settings import load_settings
from pipeline.stages import audit
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.stages.recommend import recommend
from pipeline.storage.tables import (
    FALLBACK,
    INTERACTIONS,
    ITEM_MAP,
    LISTENER_MAP,
    LISTS,
    read_json,
    read_table,
    write_table,
)

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
POPULAR_TEXT = FAMILIES["popular"].reason.text
POPULAR = PopularParams(family="popular", window_days=14)
KNN = ItemKnnParams(family="item_knn", neighbours=10, weighting="cosine")

# Two tastes: u1–u3 play a, b and c; v1–v3 play x, y and z; each leaves one of them to be found.
PLAYS = {
    "u1": "ab", "u2": "bc", "u3": "ac", "u4": "abc",
    "v1": "xy", "v2": "yz", "v3": "xz", "v4": "xyz",
}  # fmt: skip


def write_window(folder: Path, plays: dict[str, str]) -> Interactions:
    """The three tables of a window where every play weighs 1."""
    listeners, items = sorted(plays), sorted(set("".join(plays.values())))
    pairs = [(u, items.index(i)) for u, who in enumerate(listeners) for i in sorted(plays[who])]
    users, columns = [u for u, _ in pairs], [i for _, i in pairs]
    n = len(pairs)
    write_table(
        folder / "listeners.parquet",
        pa.table(
            {
                "listener_id": listeners,
                "n_plays": [1] * len(listeners),
                "first_day": [dt.date(2026, 1, 1)] * len(listeners),
            }
        ),
        LISTENER_MAP,
    )
    counts = np.bincount(columns, minlength=len(items))
    write_table(
        folder / "items.parquet",
        pa.table({"item_id": items, "item_name": [i.upper() for i in items], "n_listeners": counts}),
        ITEM_MAP,
    )
    write_table(
        folder / "interactions.parquet",
        pa.table(
            {"listener_idx": users, "item_idx": columns, "weight": [1.0] * n, "n_plays": [1] * n, "age_days": [0] * n}
        ),
        INTERACTIONS,
    )
    weights = sp.csr_matrix((np.ones(n, np.float32), (users, columns)), shape=(len(listeners), len(items)))
    return Interactions(weights, np.zeros(n, np.int32))


def write_fit(folder: Path, recipe: FamilyParams, plays: dict[str, str]) -> None:
    interactions = write_window(folder, plays)
    (folder / "interactions.parquet").unlink()
    build(recipe).fit(interactions, rng=np.random.default_rng(0)).save(folder)


def plant(
    root: Path, recipe: FamilyParams, *, plays: dict[str, str] = PLAYS, fitted_on: dict[str, str] = PLAYS,
    n_items: int = 2, target: str = "new",
) -> Context:  # fmt: skip
    layout, raw = Layout(root), PARAMS.model_dump()
    raw["lists"], raw["evaluation"]["k"] = {"n_items": n_items, "n_fallback": 4}, n_items
    raw["split"]["target"] = target
    write_window(layout.window, plays)
    write_fit(layout.final_model, recipe, fitted_on)
    write_fit(layout.fallback_model, POPULAR, plays)
    return Context(Params.model_validate(raw), dt.date(2026, 2, 1), layout, load_settings({}, workspace=root))


def lists_by_listener(layout: Layout) -> dict[str, list[tuple[str, str]]]:
    lists: dict[str, list[tuple[str, str]]] = {}
    for row in read_table(layout.lists, LISTS).to_pylist():
        lists.setdefault(row["listener_id"], []).append((row["item_id"], row["reason"]))
    return lists


def test_each_listener_is_given_the_missing_item_of_their_own_taste_and_told_why(tmp_path: Path) -> None:
    context = plant(tmp_path, KNN)
    recommend(context, InProcess())
    lists = lists_by_listener(context.layout)
    assert {who: items[0][0] for who, items in lists.items() if who in ("u1", "u2", "u3", "v1")} == {
        "u1": "c", "u2": "a", "u3": "b", "v1": "z",
    }  # fmt: skip
    # c shares u3 and u4 with a, and u2 and u4 with b: cosines are equal, so the first of the two is named.
    assert lists["u1"][0][1] == "because you play A"
    assert lists["u1"][1][1] == POPULAR_TEXT


def test_the_lists_pass_their_audit_and_are_the_same_bytes_again(tmp_path: Path) -> None:
    context = plant(tmp_path, KNN)
    recommend(context, InProcess())
    assert "8 lists" in audit.run(context)
    first = context.layout.lists.read_bytes(), context.layout.fallback.read_bytes()
    recommend(context, InProcess())
    assert (context.layout.lists.read_bytes(), context.layout.fallback.read_bytes()) == first
    assert read_json(context.layout.recommend_cost)["n_scored"] == 8
    assert not list(context.layout.data.glob(".tmp-lists-*"))


def test_a_listener_whom_the_served_model_does_not_know_gets_what_is_popular(tmp_path: Path) -> None:
    before = {who: items for who, items in PLAYS.items() if who != "v4"}
    context = plant(tmp_path, KNN, fitted_on=before)
    recommend(context, InProcess())
    # v4 has heard x, y and z; a, b and c have three listeners each, so the first two by row.
    assert lists_by_listener(context.layout)["v4"] == [("a", POPULAR_TEXT), ("b", POPULAR_TEXT)]
    audit.run(context)


def test_items_and_listeners_of_an_older_model_are_found_by_their_ids(tmp_path: Path) -> None:
    # `0` and `w` have left the window since; they shift every row of the model's maps.
    older = {"0": "0abc", **PLAYS, "w": "0xyz"}
    context = plant(tmp_path, KNN, fitted_on=older)
    recommend(context, InProcess())
    lists = lists_by_listener(context.layout)
    assert {who: lists[who][0][0] for who in ("u1", "u2", "v1")} == {"u1": "c", "u2": "a", "v1": "z"}
    assert all(item != "0" for items in lists.values() for item, _ in items)
    audit.run(context)


def test_a_blend_is_served_with_reasons_as_any_other_model_is(tmp_path: Path) -> None:
    walk = Rp3BetaParams(family="rp3beta", neighbours=10, alpha=1.0, beta=0.0)
    both = BlendParams(family="blend", members=("knn", "walk"), member_recipes=(KNN, walk), candidates=10, tuned_at=2)
    context = plant(tmp_path, both, fitted_on={"0": "0abc", **PLAYS})
    recommend(context, InProcess())
    lists = lists_by_listener(context.layout)
    assert lists["u1"][0] == ("c", "because you play A")
    assert {who: items[0][0] for who, items in lists.items() if who in ("u2", "u3", "v1")} == {
        "u2": "a", "u3": "b", "v1": "z",
    }  # fmt: skip
    audit.run(context)


def test_heard_items_may_return_where_the_target_is_any_and_are_called_ones_own(tmp_path: Path) -> None:
    context = plant(tmp_path, KNN, n_items=6, target="any")
    recommend(context, InProcess())
    own = {item for item, reason in lists_by_listener(context.layout)["u4"] if reason == reasons.OWN}
    assert own <= set("abc")
    assert own
    audit.run(context)


def test_favourites_are_called_ones_own_and_what_follows_them_popular(tmp_path: Path) -> None:
    context = plant(tmp_path, RepeatParams(family="repeat", half_life_days=30.0), n_items=4, target="any")
    recommend(context, InProcess())
    # Of all six items, each has three listeners and as many plays: the first two by row that are not u2's follow.
    assert lists_by_listener(context.layout)["u2"] == [
        ("b", reasons.OWN), ("c", reasons.OWN), ("a", POPULAR_TEXT), ("x", POPULAR_TEXT),
    ]  # fmt: skip
    audit.run(context)


def test_a_recent_winner_claims_nothing_of_its_listener(tmp_path: Path) -> None:
    context = plant(tmp_path, RecentParams(family="recent", half_life_days=7.0))
    recommend(context, InProcess())
    given = {reason for items in lists_by_listener(context.layout).values() for _, reason in items}
    assert given == {FAMILIES["recent"].reason.text}
    audit.run(context)


def test_a_popular_winner_claims_nothing_but_popularity(tmp_path: Path) -> None:
    context = plant(tmp_path, POPULAR)
    recommend(context, InProcess())
    assert {r for items in lists_by_listener(context.layout).values() for _, r in items} == {POPULAR_TEXT}


def test_the_list_for_strangers_is_the_popular_one(tmp_path: Path) -> None:
    context = plant(tmp_path, KNN, plays={**PLAYS, "u5": "b", "v5": "y", "v6": "y"})
    recommend(context, InProcess())
    rows = read_table(context.layout.fallback, FALLBACK).to_pylist()
    # Listeners: y 5, b 4, then a and c with 3 each.
    assert [(row["item_id"], row["score"]) for row in rows] == [
        ("y", 1.0), ("b", pytest.approx(4 / 5)), ("a", pytest.approx(3 / 5)), ("c", pytest.approx(3 / 5)),
    ]  # fmt: skip


def top_of(items: Sequence[Sequence[int]], scores: Sequence[Sequence[float]]) -> TopK:
    return TopK(np.array(items, np.int32), np.array(scores, np.float32))


def test_a_filled_score_goes_on_from_the_last_by_the_items_share_of_popularity() -> None:
    popular = Popularity(np.array([2, 1, 0], np.int32), np.array([0.25, 0.5, 1.0], np.float32))
    nan = float("nan")
    filled = fill(
        top_of([[0, -1, -1], [0, -1, -1], [-1, -1, -1]], [[4, nan, nan], [-4, nan, nan], [nan] * 3]), None, popular
    )
    assert filled.items.tolist() == [[0, 2, 1], [0, 2, 1], [2, 1, 0]]
    assert filled.scores.tolist() == [[4, 4 * 1.0, 4 * 0.5], [-4, -4 - 0.0, -4 - 0.5 * 4], [1.0, 0.5, 0.25]]


@given(data=st.data())
def test_filled_lists_are_distinct_unheard_finite_and_never_rise(data: st.DataObject) -> None:
    n_items, k = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 8))
    order = np.array(data.draw(st.permutations(range(n_items))), np.int32)
    share = np.zeros(n_items, np.float32)
    share[order] = sorted((data.draw(st.floats(0, 1, width=32)) for _ in range(n_items)), reverse=True)
    heard = set(data.draw(st.lists(st.integers(0, n_items - 1), max_size=n_items, unique=True)))
    free = [i for i in range(n_items) if i not in heard]
    listed = data.draw(st.lists(st.sampled_from(free), max_size=k, unique=True)) if free else []
    scores = sorted((data.draw(st.floats(-1e6, 1e6, width=32)) for _ in listed), reverse=True)
    padding = k - len(listed)
    top = top_of([[*listed, *[-1] * padding]], [[*scores, *[float("nan")] * padding]])
    matrix = sp.csr_matrix((np.ones(len(heard)), ([0] * len(heard), sorted(heard))), shape=(1, n_items))
    filled = fill(top, matrix, Popularity(order, share))
    n = min(k, len(free))
    items = filled.items[0].tolist()
    assert items[: len(listed)] == listed
    assert items[n:] == [-1] * (k - n)
    assert len(set(items[:n])) == n
    assert not heard & set(items[:n])
    assert np.isfinite(filled.scores[0][:n]).all()
    assert (np.diff(filled.scores[0][:n]) <= 0).all()


def test_popularity_orders_what_the_popular_model_does_not_know_by_listeners() -> None:
    # The model knows two items: its rows 0 and 1 are the window's 3 and 0; it prefers the former.
    found = popularity(top_of([[0, 1]], [[8, 2]]), np.array([3, 0], np.int32), np.array([1, 1, 5, 1], np.int32))
    assert found.order.tolist() == [3, 0, 2, 1]
    assert found.share.tolist() == [0.25, 0, 0, 1]


@given(seed=st.integers(0, 2**32 - 1), cells=st.sampled_from([1, 30, 8_000_000]))
def test_the_nearest_own_item_is_the_one_of_the_greatest_cosine(seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    weights = sp.csr_matrix((rng.random((9, 7)) < 0.4) * rng.integers(1, 5, (9, 7)).astype(np.float32))
    items = rng.integers(-1, 7, (9, 3)).astype(np.int32)
    unit, own = reasons.unit_columns(weights), reasons.favourites(weights, n=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reasons, "CELLS", cells)
        found = reasons.nearest_own(items, own, unit)
    heard = weights.toarray() > 0
    for user in range(9):
        favourite = sorted(np.flatnonzero(heard[user]), key=lambda i: (-weights[user, i], i))[:2]
        for place, item in enumerate(items[user]):
            both = {int(o): int((heard[:, o] & heard[:, item]).sum()) for o in favourite if item >= 0 and o != item}
            cosines = {o: n / np.sqrt(heard[:, o].sum() * heard[:, item].sum()) for o, n in both.items() if n}
            if not cosines:
                assert found[user, place] == -1
            else:
                assert cosines[int(found[user, place])] == pytest.approx(max(cosines.values()), rel=1e-5)
