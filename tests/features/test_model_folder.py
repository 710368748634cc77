import pytest

from pipeline.features.model_folder import atomic_folder, copy_model, load_id_maps, save_model
from pipeline.storage.schemas import ITEM_MAP, LISTENER_MAP
from pipeline.storage.tables import write_table


class Words:
    def __init__(self, text):
        self.text = text

    def save(self, folder):
        (folder / "model.json").write_text(self.text)


class Broken:
    def save(self, folder):
        (folder / "half").write_text("")
        raise OSError("disk full")


@pytest.fixture
def source(tmp_path):
    write_table(tmp_path / "train" / "listeners.parquet", LISTENER_MAP.empty_table(), LISTENER_MAP)
    write_table(tmp_path / "train" / "items.parquet", ITEM_MAP.empty_table(), ITEM_MAP)
    return tmp_path / "train"


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_model_travels_with_its_id_maps(source, tmp_path):
    save_model(tmp_path / "out" / "m", Words("{}"), maps_from=source)
    saved = files(tmp_path / "out" / "m")
    assert saved.pop("model.json") == b"{}"
    assert saved == files(source)
    assert load_id_maps(tmp_path / "out" / "m").items.num_rows == 0


def test_saving_again_replaces_the_folder_and_leaves_nothing_beside_it(source, tmp_path):
    for text in ("1", "2"):
        save_model(tmp_path / "out" / "m", Words(text), maps_from=source)
    assert files(tmp_path / "out" / "m")["model.json"] == b"2"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m"]


def test_a_save_that_fails_leaves_the_old_model_and_no_scraps(source, tmp_path):
    save_model(tmp_path / "out" / "m", Words("old"), maps_from=source)
    with pytest.raises(OSError, match="disk full"):
        save_model(tmp_path / "out" / "m", Broken(), maps_from=source)
    assert files(tmp_path / "out" / "m")["model.json"] == b"old"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m"]


def test_a_copy_holds_the_same_bytes(source, tmp_path):
    save_model(tmp_path / "a", Words("{}"), maps_from=source)
    copy_model(tmp_path / "b", source=tmp_path / "a")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_folder_is_readable_by_others(tmp_path):
    with atomic_folder(tmp_path / "m") as temporary:
        (temporary / "x").write_text("")
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "m" / "x").stat().st_mode & 0o777 == 0o644
