"""The index answers with what the lists say, in any order of names, and never from damaged bytes."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.releases.lookup import share_of
from pipeline.serving.build import write_index
from pipeline.serving.index import Index
from pipeline.serving.layout import MAX_ARMS, DamagedIndex, key_of, pack, unpack
from pipeline.storage.schemas import FALLBACK, FAVOURITES, LISTS
from pipeline.storage.tables import write_table
from tests.serving.made import make_release

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=12)
lists = st.dictionaries(texts, st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4), max_size=12)


def write(folder: Path, people: dict[str, list[tuple[str, str, str]]], own: dict[str, list[str]]) -> Path:
    rows = [
        {"listener_id": name, "rank": rank, "item_id": i, "item_name": n, "score": 1.0 / rank, "reason": why}
        for name in sorted(people)
        for rank, (i, n, why) in enumerate(people[name], start=1)
    ]
    write_table(folder / "lists.parquet", pa.Table.from_pylist(rows, schema=LISTS), LISTS)
    common = [{"rank": 1, "item_id": "p", "item_name": "Popular", "score": 1.0, "reason": "popular"}]
    write_table(folder / "fallback.parquet", pa.Table.from_pylist(common, schema=FALLBACK), FALLBACK)
    plays = [
        {"listener_id": name, "rank": rank, "item_id": item, "item_name": item.upper(), "n_plays": 3}
        for name in sorted(own)
        for rank, item in enumerate(own[name], start=1)
    ]
    write_table(folder / "favourites.parquet", pa.Table.from_pylist(plays, schema=FAVOURITES), FAVOURITES)
    path = folder / "index.bin"
    write_index(
        path,
        lists=folder / "lists.parquet",
        fallback=folder / "fallback.parquet",
        favourites=folder / "favourites.parquet",
    )
    return path


@settings(max_examples=15, deadline=None)
@given(people=lists, others=st.lists(texts, max_size=5), own=st.dictionaries(texts, st.lists(texts, max_size=3)))
def test_every_listener_finds_exactly_the_list_that_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    people: dict[str, list[tuple[str, str, str]]],
    others: list[str],
    own: dict[str, list[str]],
) -> None:
    index = Index(write(tmp_path_factory.mktemp("index"), people, own))
    assert index.n_listeners == len(people)
    for name, rows in people.items():
        entry = index.find(name)
        assert entry is not None
        found = json.loads(b"[%b]" % entry.items)
        assert [(each["item_id"], each["item_name"], each["reason"]) for each in found] == rows
        assert [each["rank"] for each in found] == list(range(1, len(rows) + 1))
        assert json.loads(b"[%b]" % entry.ids) == [row[0] for row in rows]
        favourites = [each["item_id"] for each in json.loads(b"[%b]" % entry.favourites)]
        assert favourites == own.get(name, [])
        for k in range(1, len(rows) + 2):
            first = entry.first(k)
            assert json.loads(b"[%b]" % first.items) == found[:k]
            assert json.loads(b"[%b]" % first.ids) == [row[0] for row in rows[:k]]
    assert all(index.find(name) is None for name in others if name not in people)
    assert json.loads(b"[%b]" % index.fallback.items)[0]["item_id"] == "p"


def test_the_same_lists_give_the_same_bytes_and_a_million_names_have_a_million_keys(tmp_path: Path) -> None:
    people = {f"L{i}": [("a", "A", "why")] for i in range(50)}
    first = write(tmp_path / "a", people, {}).read_bytes()
    assert write(tmp_path / "b", people, {}).read_bytes() == first
    assert len({key_of(f"L{i:07d}") for i in range(1_000_000)}) == 1_000_000


@pytest.mark.parametrize("place", range(0, 1200, 37))
def test_a_changed_byte_is_found_or_leads_to_no_list_but_never_to_another_one(tmp_path: Path, place: int) -> None:
    people = {name: [(f"{name}-{n}", "Item", "why") for n in range(2)] for name in ("ann", "bob", "cay")}
    path = write(tmp_path, people, {})
    data = bytearray(path.read_bytes())
    place %= len(data)
    data[place] ^= 0xFF
    path.write_bytes(data)
    try:
        index = Index(path)
        for name, rows in people.items():
            entry = index.find(name)
            assert entry is None or json.loads(b"[%b]" % entry.ids) == [row[0] for row in rows]
    except DamagedIndex:
        pass


def test_a_file_that_is_cut_off_while_it_is_open_is_damage_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    path = write(tmp_path, {"ann": [("a", "A", "why")]}, {})
    index = Index(path)
    path.write_bytes(b"")
    with pytest.raises(DamagedIndex):
        index.find("ann")
    with pytest.raises(DamagedIndex):
        Index(path)


def test_a_score_is_shown_as_a_share_of_the_best_and_not_at_all_if_there_is_no_scale() -> None:
    assert share_of(0.5, 2.0) == 0.5 / 2.0
    assert share_of(-0.5, 2.0) == 0.0
    assert share_of(-2.0, -1.0) is None


def test_a_release_has_the_index_among_its_checksums(tmp_path: Path) -> None:
    release = make_release(tmp_path / "releases", tmp_path)
    assert {"serving/index.bin", "favourites.parquet", "serving/newcomers/model.json"} <= set(release.manifest["files"])
    assert release.manifest["files"]["serving/index.bin"]["bytes"] == (
        (release.folder / "serving" / "index.bin").stat().st_size
    )


def test_a_record_with_an_arm_keeps_its_parts_and_teams_are_cut_with_the_list() -> None:
    items, ids, own = [b"{1}", b"{22}", b"{333}"], [b'"a"', b'"bb"', b'"ccc"'], [b"{own}"]
    plain, arm = pack(7, items, ids, own), pack(7, items, ids, own, arm=3)
    drafted = pack(7, items, ids, own, arm=MAX_ARMS, team=b"CTC")
    assert [(e.arm, e.team, e.n) for e in (unpack(r, 7) for r in (plain, arm, drafted))] == [
        (0, b"", 3),
        (3, b"", 3),
        (MAX_ARMS, b"CTC", 3),
    ]
    for record in (plain, arm, drafted):
        entry = unpack(record, 7)
        assert (entry.items, entry.ids, entry.favourites) == (b"{1},{22},{333}", b'"a","bb","ccc"', b"{own}")
    shorter = unpack(drafted, 7).first(2)
    assert (shorter.items, shorter.arm, shorter.team) == (b"{1},{22}", MAX_ARMS, b"CT")
