"""A play follows from the impression that it names, or from the latest one within 24 hours that listed its item."""

import datetime as dt

import polars as pl

from pipeline.monitoring.impressions import attributed, shown_figures

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
MOMENT = pl.Datetime("us", "UTC")


def hours(n: float) -> dt.datetime:
    return NOON + dt.timedelta(hours=n)


def impressions(*rows: tuple[str, str | None, float, list[str]], lane: str = "own") -> pl.DataFrame:
    return pl.DataFrame(
        [(i, name, hours(at), items, lane) for i, name, at, items in rows],
        schema={
            "impression_id": pl.String, "listener_id": pl.String, "at": MOMENT, "items": pl.List(pl.String),
            "lane": pl.String,
        },
        orient="row",
    )  # fmt: skip


def plays(*rows: tuple[str, float, str]) -> pl.DataFrame:
    found = [(name, hours(at), item) for name, at, item in rows]
    return pl.DataFrame(
        found, schema={"listener_id": pl.String, "played_at": MOMENT, "item_id": pl.String}, orient="row"
    )


def named(*rows: tuple[str, str, float, str]) -> pl.DataFrame:
    found = [(i, name, hours(at), item) for i, name, at, item in rows]
    schema = {"impression_id": pl.String, "listener_id": pl.String, "at": MOMENT, "item_id": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def pairs(found: pl.DataFrame) -> list[tuple[str, str, int | None]]:
    return found.select("impression_id", "item_id", "rank").rows()


def test_a_play_within_a_day_follows_from_the_latest_impression_that_listed_it() -> None:
    shown = impressions(("i1", "ann", 0, ["a", "b"]), ("i2", "ann", 2, ["b"]), ("i3", "bob", 0, ["a"]))
    found = attributed(
        shown, plays(("ann", 1, "b"), ("ann", 3, "b"), ("ann", 3.5, "a"), ("ann", 24, "a"), ("ann", -1, "a")), named()
    )
    assert pairs(found) == [("i1", "b", 2), ("i2", "b", 1), ("i1", "a", 1)]


def test_the_impression_that_a_play_names_counts_before_the_clock_and_only_for_its_own_listener() -> None:
    shown = impressions(("i1", "ann", 0, ["a"]), ("i2", "ann", 2, ["a"]), ("i3", "bob", 0, ["a"]))
    found = attributed(
        shown,
        plays(("ann", 3, "a"), ("ann", 4, "a")),
        named(("i1", "ann", 3, "a"), ("i3", "ann", 4, "a"), ("i1", "ann", 5, "z")),
    )
    assert pairs(found) == [("i1", "a", 1), ("i2", "a", 1), ("i1", "z", None)]


def test_the_hit_rate_is_of_listeners_who_were_shown_their_own_list() -> None:
    shown = pl.concat(
        [
            impressions(("i1", "ann", 0, ["a"]), ("i2", "ann", 1, ["a"]), ("i3", "bob", 0, ["a"])),
            impressions(("i4", "cay", 0, ["p"]), ("i5", None, 0, ["p"]), lane="fallback"),
        ]
    )
    followed = attributed(shown, plays(("ann", 2, "a"), ("cay", 1, "p")), named())
    assert shown_figures(shown, followed, min_listeners=2) == {
        "impressions": 5.0,
        "shown_listeners": 2.0,
        "shown_hit_rate": 1 / 2,
    }
    assert shown_figures(shown, followed, min_listeners=3)["shown_hit_rate"] is None


def test_without_impressions_nothing_is_divided() -> None:
    none = impressions()
    followed = attributed(none, plays(("ann", 1, "a")), named())
    assert followed.height == 0
    assert shown_figures(none, followed, min_listeners=0)["shown_hit_rate"] is None
