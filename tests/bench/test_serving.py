"""The releases of `make bench-serve` are ones that the server takes: it would measure refusals otherwise."""

from pathlib import Path

from bench.serving.made import K, make_releases, name_of
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.releases.release import current_name
from pipeline.serving.snapshot import open_snapshot


def test_every_listener_of_a_made_release_has_a_list(tmp_path: Path) -> None:
    make_releases(tmp_path, n_listeners=30)
    name = current_name(tmp_path)
    assert name is not None
    snapshot = open_snapshot(tmp_path, name, OPEN_KEY)
    entries = [snapshot.index.find(token_of(name_of(number), OPEN_KEY)) for number in range(30)]
    assert [entry and entry.n for entry in entries] == [K] * 30
