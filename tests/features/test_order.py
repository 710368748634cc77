"""What was played after what: within sessions, on the next day, and summed with less weight for what is long ago."""

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import TableError
from pipeline.features.interactions import build_interactions, load_interactions, save_interactions
from pipeline.features.order import FARTHEST, SESSION_GAP, follows_of_day, follows_of_days, sum_follows
from pipeline.recommenders.order import NEXT_DAY
from pipeline.storage.schemas import DAILY_FOLLOWS, FOLLOWS, ITEM_MAP

DAY = dt.date(2026, 2, 1)
ITEMS = pa.table({"item_id": ["a", "b", "c"], "item_name": ["A", "B", "C"], "n_listeners": [1, 1, 1]}).cast(ITEM_MAP)


def session(items, *, gaps=None, listener="ann", day=DAY):
    """Plays of a day, 4 minutes apart unless `gaps` tells the minutes before each."""
    minutes = np.cumsum(gaps or [4] * len(items))
    at = [dt.datetime.combine(day, dt.time(8), dt.UTC) + dt.timedelta(minutes=int(minute)) for minute in minutes]
    table = pl.DataFrame({"played_at": at, "item_id": list(items)}, schema_overrides={"item_id": pl.String})
    return table.with_columns(listener_id=pl.lit(listener), day=pl.lit(day))


def pairs(plays):
    return follows_of_day(plays).select("item_id", "next_id", "distance", "n").rows()


def test_a_session_ends_after_half_an_hour_and_with_its_listener():
    whole = SESSION_GAP // dt.timedelta(minutes=1)
    assert pairs(session("ab", gaps=[0, whole])) == [("a", "b", 1, 1)]
    assert pairs(session("ab", gaps=[0, whole + 1])) == []
    assert pairs(pl.concat([session("a"), session("b", listener="bob")])) == []


def test_an_item_does_not_follow_itself_and_runs_count_once():
    assert pairs(session("aabba")) == [("a", "b", 1, 1), ("b", "a", 1, 1)]


@given(st.text(alphabet="abcd", max_size=30))
def test_pairs_are_those_of_a_plain_loop(items):
    runs = [item for n, item in enumerate(items) if n == 0 or items[n - 1] != item]
    expected: dict = {}
    for n, item in enumerate(runs):
        for apart in range(1, FARTHEST + 1):
            if n + apart < len(runs) and runs[n + apart] != item:
                key = (item, runs[n + apart], apart)
                expected[key] = expected.get(key, 0) + 1
    assert pairs(session(items)) == [(*key, n) for key, n in sorted(expected.items())]


def test_counts_do_not_depend_on_the_order_of_listeners():
    ann, bob = session("abc"), session("cab", listener="bob")
    assert follows_of_day(pl.concat([ann, bob])).equals(follows_of_day(pl.concat([bob, ann])))
    assert follows_of_day(ann).to_arrow().cast(DAILY_FOLLOWS).num_rows == 3


def daily(*rows):
    days = [DAY + dt.timedelta(days=day) for day, *_ in rows]
    table = {"day": days, "listener_id": [row[1] for row in rows], "item_id": [row[2] for row in rows]}
    return pl.DataFrame(table | {"n_plays": [row[3] for row in rows]}, schema_overrides={"n_plays": pl.Int32})


def test_a_day_is_followed_by_tomorrow_alone_and_its_pairs_are_tomorrows():
    found = follows_of_days(daily((0, "ann", "a", 1), (1, "ann", "b", 1), (3, "ann", "c", 1), (1, "bob", "c", 1)))
    assert found.select("day", "item_id", "next_id", "distance").rows() == [
        (DAY + dt.timedelta(days=1), "a", "b", NEXT_DAY)
    ]


def test_a_day_stands_for_what_was_played_most():
    rows = [(0, "ann", item, n) for n, item in enumerate("abcde", start=1)] + [(1, "ann", "z", 1)]
    assert follows_of_days(daily(*rows))["item_id"].to_list() == ["c", "d", "e"]


def test_weights_halve_and_listeners_are_summed_over():
    yesterday, long_ago = DAY - dt.timedelta(days=1), DAY - dt.timedelta(days=11)
    rows = pl.concat(
        follows_of_day(session("ab", listener=who, day=day))
        for who, day in (("ann", yesterday), ("bob", yesterday), ("ann", long_ago))
    )
    found = sum_follows(rows, ITEMS, until=DAY, half_life_days=10)
    assert found.schema.equals(FOLLOWS)
    assert found.to_pylist() == [{"item_idx": 0, "next_idx": 1, "distance": 1, "weight": 2 + 1 / 2}]


def test_items_outside_the_catalogue_are_left_out_and_nothing_is_a_table_too():
    assert sum_follows(follows_of_day(session("ax")), ITEMS, until=DAY, half_life_days=10).num_rows == 0
    assert sum_follows(follows_of_day(session("")), ITEMS, until=DAY, half_life_days=10).num_rows == 0


def test_what_is_saved_is_loaded_and_a_pair_after_the_window_is_refused(tmp_path):
    rows = daily((-1, "ann", "a", 1), (-1, "ann", "b", 1))
    names = pl.DataFrame({"item_id": ["a", "b"], "item_name": ["A", "B"]})
    given = {"half_life_days": 10.0, "min_listeners_per_item": 1}
    follows = follows_of_day(session("ab", day=DAY - dt.timedelta(days=1)))
    save_interactions(tmp_path, build_interactions(rows, names, until=DAY, follows=follows, **given))
    order = load_interactions(tmp_path).order
    assert order.matrix(2, decay=1.0, next_day=1.0).toarray().tolist() == [[0, 1], [0, 0]]
    with pytest.raises(TableError, match="leaks"):
        build_interactions(rows, names, until=DAY, follows=follows_of_day(session("ab")), **given)
    save_interactions(tmp_path, build_interactions(rows, names, until=DAY, **given))
    assert load_interactions(tmp_path).order is None
