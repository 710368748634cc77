"""Releases without erased listeners are complete, linked, and possible targets of a rollback."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from pipeline.erasure.releases import change_releases
from pipeline.erasure.scan import search_files
from pipeline.erasure.sought import Sought
from pipeline.erasure.tables import without
from pipeline.recommenders.families.popular import PopularParams
from pipeline.recommenders.storage import StoredModel, read_model, write_model
from pipeline.releases.publishing import Contents, publish
from pipeline.releases.release import Release, current, list_releases, verify
from pipeline.releases.rollback import roll_back, withdrawn
from pipeline.storage.schemas import LISTENER_MAP, LISTS
from pipeline.storage.tables import read_table, write_table
from tests.erasure.listeners import token

ANN, BOB = token("ann"), token("bob")
WITHOUT_ANN = without({ANN})


def lists_of(listeners: list[str]) -> pa.Table:
    n = len(listeners)
    columns = {"listener_id": listeners, "rank": [1] * n, "item_id": ["i"] * n, "item_name": ["I"] * n}
    return pa.table({**columns, "score": [1.0] * n, "reason": ["why"] * n}).cast(LISTS)


def release_of(tmp_path: Path, as_of: str, listeners: list[str]) -> Release:
    source = tmp_path / f"source-{as_of}"
    write_table(source / "lists.parquet", lists_of(listeners), LISTS)
    (source / "fallback.parquet").write_text("popular")
    days = [dt.date(2026, 1, 1)] * len(listeners)
    maps = pa.table({"listener_id": listeners, "n_plays": [5] * len(listeners), "first_day": days}).cast(LISTENER_MAP)
    for model in ("model", "heldout"):
        write_table(source / model / "listeners.parquet", maps, LISTENER_MAP)
        factors = np.arange(1, 1 + 2 * len(listeners), dtype=np.float32).reshape(-1, 2)
        votes = sp.csr_matrix(np.arange(1, 1 + len(listeners), dtype=np.float32)[:, None])
        recipe = PopularParams(family="popular", window_days=1)
        arrays, matrices = {"listener_factors": factors, "item_factors": factors[:1]}, {"profiles": votes}
        write_model(source / model / "members" / "x", StoredModel(recipe, len(listeners), 1, arrays, matrices))
    files = {name: source / name for name in ("lists.parquet", "fallback.parquet", "model", "heldout")}
    facts = {"as_of": as_of, "recipe": "als", "family": "als", "n_listeners": len(listeners)}
    origin = {"verdict": "KEEP", "sentence": "", "params": "0", "code": None}
    return publish(tmp_path / "releases", Contents(files, facts, origin))[0]


@pytest.fixture
def three(tmp_path: Path) -> list[Release]:
    listeners = ([ANN, BOB], [BOB], [ANN, BOB])
    return [release_of(tmp_path, f"2026-01-1{n}", names) for n, names in enumerate(listeners)]


def test_every_release_with_erased_listeners_is_rebuilt_and_served_as_before(
    tmp_path: Path, three: list[Release]
) -> None:
    root = tmp_path / "releases"
    renamed = change_releases(root, tmp_path / "ledger", WITHOUT_ANN)
    assert set(renamed) == {three[0].id, three[2].id}
    found = list_releases(root)
    assert [release.id for release in found] == sorted([renamed[three[0].id], three[1].id, renamed[three[2].id]])
    for release in found:
        verify(release)
        assert read_table(release.lists, LISTS)["listener_id"].to_pylist() == [BOB]
        assert release.manifest["n_listeners"] == 1
    assert current(root).id == renamed[three[2].id]
    assert current(root).previous == three[1].id
    assert found[1].previous == renamed[three[0].id]
    assert search_files([root], Sought(frozenset({ANN}))).files == []


def test_a_model_keeps_the_row_of_an_erased_listener_without_the_id(tmp_path: Path, three: list[Release]) -> None:
    change_releases(tmp_path / "releases", tmp_path / "ledger", WITHOUT_ANN)
    rows = read_table(current(tmp_path / "releases").model / "listeners.parquet", LISTENER_MAP).to_pylist()
    assert [(row["listener_id"], row["n_plays"]) for row in rows] == [("erased listener 1", 0), (BOB, 5)]


def test_the_model_rows_of_erased_listeners_are_zeroed_and_others_stay(tmp_path: Path, three: list[Release]) -> None:
    change_releases(tmp_path / "releases", tmp_path / "ledger", WITHOUT_ANN)
    model = read_model(current(tmp_path / "releases").model / "members" / "x")
    assert model.arrays["listener_factors"].tolist() == [[0, 0], [3, 4]]
    assert model.arrays["item_factors"].tolist() == [[1, 2]]
    assert model.matrices["profiles"].toarray().tolist() == [[0], [2]]
    assert model.matrices["profiles"].nnz == 1


def test_a_rollback_serves_a_rebuilt_release(tmp_path: Path, three: list[Release]) -> None:
    root, ledger = tmp_path / "releases", tmp_path / "ledger"
    roll_back(root, ledger, to=three[0].id, by="ann", reason="r")
    renamed = change_releases(root, ledger, WITHOUT_ANN)
    assert current(root).id == renamed[three[0].id]
    assert withdrawn(ledger) == {renamed[three[2].id]}
    assert roll_back(root, ledger, to=three[1].id, by="ann", reason="r")[1].id == three[1].id


def test_a_second_run_changes_nothing(tmp_path: Path, three: list[Release]) -> None:
    root = tmp_path / "releases"
    change_releases(root, tmp_path / "ledger", WITHOUT_ANN)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert change_releases(root, tmp_path / "ledger", WITHOUT_ANN) == {}
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("step", ["write_json", "set_current", "_rename_rollbacks"])
def test_a_crash_leaves_a_complete_release_served_and_is_repaired_by_running_again(
    tmp_path: Path, three: list[Release], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.erasure import releases as module

    root = tmp_path / "releases"

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, step, dies)
        with pytest.raises(KeyboardInterrupt):
            change_releases(root, tmp_path / "ledger", WITHOUT_ANN)
    verify(current(root))
    change_releases(root, tmp_path / "ledger", WITHOUT_ANN)
    for release in list_releases(root):
        verify(release)
        assert release.previous is None or (root / release.previous).is_dir()
    assert search_files([root], Sought(frozenset({ANN}))).files == []
    assert len(list_releases(root)) == len(three)
