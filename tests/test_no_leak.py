"""The decision window does not leak into training, and later days leak into neither."""

import datetime as dt
import importlib
import json

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import TableError
from pipeline.features.interactions import build_interactions, load_interactions, save_interactions
from pipeline.features.splitting import relevant_items, split_by_time
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.nightly.opening import open_night
from pipeline.settings import load_settings
from pipeline.simulation.simulate import simulate
from pipeline.storage.schemas import DAILY
from tests.workspace import make_workspace

START, AS_OF, DECISION_DAYS, TUNING_DAYS = dt.date(2026, 1, 1), dt.date(2026, 1, 15), 4, 3
DECISION_FROM = AS_OF - dt.timedelta(days=DECISION_DAYS)
TUNING_FROM = DECISION_FROM - dt.timedelta(days=TUNING_DAYS)
RECIPES = ["popular", "item_knn", "rp3beta", "als", "blend"]
LATE, TOMORROW = "Planted In The Decision Window", "Planted After The Night"


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A night's folder data, after fit: 40 listeners play LATE in the decision window, TOMORROW from as_of on."""
    return open_and_fit(tmp_path_factory).layout


@pytest.fixture(scope="module")
def other_decision_window(night, tmp_path_factory):
    """The same night's blend, without plays in the decision window."""
    context = open_and_fit(tmp_path_factory, fitted=[])
    for day in range(DECISION_DAYS):
        path = context.layout.daily / f"day={DECISION_FROM + dt.timedelta(days=day)}.parquet"
        pq.write_table(pq.read_table(path, partitioning=None).slice(0, 0), path)
    importlib.import_module("pipeline.stages.split").run(context)
    importlib.import_module("pipeline.stages.fit").run(context, "blend")
    return context.layout


def open_and_fit(tmp_path_factory, *, fitted=RECIPES):
    params = {
        "split.decision_days": DECISION_DAYS,
        "split.tuning_days": TUNING_DAYS,
        "gate.seeds": 1,
        "recipes.als.factors": 8,
        "recipes.als.regularization": 1.0,
    }
    workspace = make_workspace(tmp_path_factory.mktemp("leak") / "w", recipes=RECIPES, params=params)
    # The simulation goes on behind the night: six days have landed that it may not see.
    simulate(n_listeners=40, n_days=20, seed=3, start=START, out=workspace / "landing")
    first_instant = dt.datetime.combine(AS_OF, dt.time(), dt.UTC)
    lines = [
        *(line(n, DECISION_FROM + dt.timedelta(days=n % DECISION_DAYS), LATE, f"at {n}") for n in range(400)),
        *(line(n, first_instant + dt.timedelta(hours=n // 40), TOMORROW, f"at {n}") for n in range(400)),
    ]
    (workspace / "landing" / "plays-planted.jsonl").write_text("\n".join(lines) + "\n")
    settings = load_settings({"NETGAIN_ENGINE": "inprocess"}, workspace=workspace)
    context = open_night(settings, as_of=AS_OF, log_format="netgain", logs=None)
    before = ("ingest", "validate", "prepare", "split")
    for name, recipe in [*((name, None) for name in before), *(("fit", r) for r in fitted)]:
        run = importlib.import_module(f"pipeline.stages.{name}").run
        run(context, recipe) if recipe else run(context)
    return context


def line(n, when, artist, track):
    instant = when if isinstance(when, dt.datetime) else dt.datetime.combine(when, dt.time(0, n % 60, 7), dt.UTC)
    return json.dumps(
        {
            "listener_id": f"planted-{n % 40}",
            "played_at": instant.isoformat().replace("+00:00", "Z"),
            "artist_name": artist,
            "track_name": track,
            "ms_played": 180_000,
        }
    )


def ids_of(night, artist):
    """Ids of an artist in the plays as they landed."""
    plays = pl.read_parquet(night.plays / "**" / "*.parquet", hive_partitioning=False)
    return set(plays.filter(pl.col("artist_name") == artist)["artist_id"])


def holding(folder, word):
    """Return the files below a folder that contain a word, in a text column or as bytes."""
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if path.suffix == ".parquet":
            table = pq.read_table(path, partitioning=None)
            texts = [table[f.name].to_pylist() for f in table.schema if pa.types.is_string(f.type)]
            if any(word in text for column in texts for text in column if text):
                found.append(path.relative_to(folder.parent).as_posix())
        elif path.is_file() and word.encode() in path.read_bytes():
            found.append(path.relative_to(folder.parent).as_posix())
    return found


def test_what_was_planted_has_landed(night):
    assert len(ids_of(night, LATE)) == len(ids_of(night, TOMORROW)) == 1


def test_an_artist_of_the_decision_window_is_found_in_the_landed_plays(night):
    (item,) = ids_of(night, LATE)
    relevant = pl.read_parquet(night.relevant).filter(pl.col("item_id") == item)
    assert relevant.height == 40
    assert relevant["n_plays"].to_list() == [10] * 40
    assert holding(night.window, LATE) == ["window/items.parquet"]


@pytest.mark.parametrize("folder", ["train", "tuning", "models"])
def test_an_artist_of_the_decision_window_is_in_no_training_data(night, folder):
    (item,) = ids_of(night, LATE)
    assert holding(night.data / folder, LATE) == []
    assert holding(night.data / folder, item) == []
    assert list((night.data / folder).rglob("items.parquet")), "there is something that it could have been in"


def test_a_listener_of_the_decision_window_is_in_no_training_data(night):
    planted = token_of("planted-7", OPEN_KEY)
    assert holding(night.window, planted) == ["window/listeners.parquet"]
    assert holding(night.train, planted) == []
    assert holding(night.tuning, planted) == []
    assert holding(night.data / "models", planted) == []


@pytest.mark.parametrize("name", ["daily", "items.parquet", "train", "tuning", "window", "relevant.parquet", "models"])
def test_a_play_from_as_of_on_is_nowhere(night, name):
    (item,) = ids_of(night, TOMORROW)
    assert holding(night.data / name, TOMORROW) == []
    assert holding(night.data / name, item) == []


def test_no_day_is_counted_from_as_of_on(night):
    days = pl.read_parquet(night.daily / "*.parquet")["day"]
    assert (days.min(), days.max()) == (START, AS_OF - dt.timedelta(days=1))


def test_the_models_know_only_listeners_and_items_of_the_training_window(night):
    for name in ("listeners.parquet", "items.parquet"):
        expected = (night.train / name).read_bytes()
        assert {path.read_bytes() for path in (night.data / "models").rglob(name)} == {expected}


def test_the_tuning_window_is_cut_from_the_training_window(night):
    plays = pl.concat([pl.read_parquet(path) for path in sorted(night.daily.glob("*.parquet"))])
    before = plays.filter(pl.col("day") < TUNING_FROM)
    during = plays.filter((pl.col("day") >= TUNING_FROM) & (pl.col("day") < DECISION_FROM))
    assert set(pl.read_parquet(night.tuning / "items.parquet")["item_id"]) == set(before["item_id"])
    assert set(pl.read_parquet(night.tuning / "listeners.parquet")["listener_id"]) == set(before["listener_id"])
    pairs = set(during.select("listener_id", "item_id").rows()) - set(before.select("listener_id", "item_id").rows())
    assert pairs
    assert set(pl.read_parquet(night.tuning / "relevant.parquet").select("listener_id", "item_id").rows()) == pairs


def test_no_play_of_the_decision_window_reaches_a_blend(night, other_decision_window):
    assert pl.read_parquet(other_decision_window.relevant).height == 0
    assert pl.read_parquet(night.relevant).height > 0
    for folder in ("tuning", "models/blend"):
        found, expected = (contents_of(layout.data / folder) for layout in (other_decision_window, night))
        assert found == expected
    (weights,) = (night.data / "models" / "blend").rglob("weights.npy")
    assert len(set(np.load(weights))) > 1, "weights that were learnt, not the equal ones of a blend without tuning"


def contents_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


DAY_ZERO = dt.date(2026, 1, 1)
IDS = st.sampled_from(["", "a", "b", "é", "ß", "z z"])
rows = st.dictionaries(
    st.tuples(st.integers(0, 60), IDS, IDS), st.tuples(st.integers(1, 50), st.integers(0, 10**9)), max_size=40
)


def daily(plays):
    columns = [(DAY_ZERO + dt.timedelta(days=d), u, i, n, ms) for (d, u, i), (n, ms) in sorted(plays.items())]
    table = pa.table({f.name: pa.array([row[at] for row in columns], f.type) for at, f in enumerate(DAILY)})
    return pl.DataFrame(table)


@given(plays=rows, days=st.lists(st.integers(0, 60), min_size=3, max_size=3).map(sorted))
def test_a_split_is_a_partition_of_the_days_between_its_bounds(plays, days):
    first, decision_from, as_of = (DAY_ZERO + dt.timedelta(days=d) for d in days)
    frame = daily(plays)
    split = split_by_time(frame, first=first, decision_from=decision_from, as_of=as_of)
    assert all(first <= day < decision_from for day in split.train["day"])
    assert all(decision_from <= day < as_of for day in split.decision["day"])
    between = frame.filter(pl.col("day").is_between(first, as_of, closed="left"))
    assert pl.concat([split.train, split.decision]).sort(frame.columns).equals(between.sort(frame.columns))


@given(plays=rows, days=st.lists(st.integers(0, 60), min_size=3, max_size=3, unique=True).map(sorted))
def test_dates_out_of_order_are_refused(plays, days):
    first, decision_from, as_of = (DAY_ZERO + dt.timedelta(days=d) for d in days)
    with pytest.raises(ValueError, match="not in order"):
        split_by_time(daily(plays), first=decision_from, decision_from=first, as_of=as_of)


@given(plays=rows, middle=st.integers(0, 60), only_new=st.booleans())
def test_relevant_items_were_played_after_the_bound_and_not_before(plays, middle, only_new):
    bound = DAY_ZERO + dt.timedelta(days=middle)
    last = DAY_ZERO + dt.timedelta(days=61)
    split = split_by_time(daily(plays), first=DAY_ZERO, decision_from=bound, as_of=last)
    before = {(u, i) for (d, u, i) in plays if d < middle}
    expected = {}
    for (d, u, i), (n, _) in plays.items():
        if d >= middle and not (only_new and (u, i) in before):
            n_before, first = expected.get((u, i), (0, d))
            expected[u, i] = (n_before + n, min(first, d))
    found = relevant_items(split, only_new=only_new).rows()
    assert found == [(u, i, n, DAY_ZERO + dt.timedelta(days=d)) for (u, i), (n, d) in sorted(expected.items())]


@given(plays=rows, half_life=st.floats(0.5, 400), until=st.integers(61, 400), min_listeners=st.integers(1, 3))
def test_interactions_are_what_their_definition_says(plays, half_life, until, min_listeners, tmp_path_factory):
    last = DAY_ZERO + dt.timedelta(days=until)
    tables = build_interactions(
        daily(plays),
        pl.DataFrame({"item_id": ["a"], "item_name": ["A"]}).vstack(
            pl.DataFrame({"item_id": ["", "b", "é", "ß", "z z"], "item_name": ["?", "B", "É", "SS", "Z"]})
        ),
        until=last,
        half_life_days=half_life,
        min_listeners_per_item=min_listeners,
    )
    folder = tmp_path_factory.mktemp("fold")
    save_interactions(folder, tables)
    matrix = load_interactions(folder)
    heard_by = {item: {u for (_, u, i) in plays if i == item} for (_, _, item) in plays}
    listeners = sorted({u for (_, u, _) in plays})
    items = sorted(item for item, people in heard_by.items() if len(people) >= min_listeners)
    assert tables.listeners["listener_id"].to_pylist() == listeners
    assert tables.items["item_id"].to_pylist() == items
    assert tables.items["n_listeners"].to_pylist() == [len(heard_by[item]) for item in items]
    assert matrix.weights.shape == (len(listeners), len(items))
    weight, n_plays, age = {}, {}, {}
    for (d, u, i), (n, _) in plays.items():
        if i in items:
            days = until - d - 1
            weight[u, i] = weight.get((u, i), 0.0) + n * 2.0 ** (-days / half_life)
            n_plays[u, i] = n_plays.get((u, i), 0) + n
            age[u, i] = min(age.get((u, i), days), days)
    found = tables.interactions.to_pylist()
    pairs = [(listeners[row["listener_idx"]], items[row["item_idx"]]) for row in found]
    assert pairs == sorted(weight)
    smallest = float(np.finfo(np.float32).tiny)
    np.testing.assert_allclose(
        [row["weight"] for row in found], [max(weight[pair], smallest) for pair in pairs], rtol=1e-6, atol=1e-38
    )
    assert [row["n_plays"] for row in found] == [n_plays[pair] for pair in pairs]
    assert [row["age_days"] for row in found] == [age[pair] for pair in pairs]
    assert matrix.age_days.tolist() == [age[pair] for pair in pairs]
    assert np.asarray(matrix.weights.todense()).sum() == pytest.approx(sum(weight.values()), rel=1e-5)


def test_a_leaking_split_is_stopped_before_fitting() -> None:
    days = [DECISION_FROM - dt.timedelta(days=1), DECISION_FROM]
    daily = pl.DataFrame({"day": days, "listener_id": ["l"] * 2, "item_id": ["i"] * 2, "n_plays": [1, 1]})
    names = pl.DataFrame({"item_id": ["i"], "item_name": ["I"]})
    with pytest.raises(TableError, match=f"plays of {DECISION_FROM}; expected days before {DECISION_FROM}"):
        build_interactions(daily, names, until=DECISION_FROM, half_life_days=60, min_listeners_per_item=1)


def test_a_play_of_hundreds_of_half_lives_ago_still_has_a_weight():
    tables = build_interactions(
        daily({(0, "u", "a"): (1, 0)}),
        pl.DataFrame({"item_id": ["a"], "item_name": ["A"]}),
        until=DAY_ZERO + dt.timedelta(days=400),
        half_life_days=1.0,
        min_listeners_per_item=1,
    )
    assert tables.interactions["weight"].to_pylist() == [float(np.finfo(np.float32).tiny)]
