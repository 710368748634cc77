"""A simulation of the real sample's size matches its figures, and models find the structure planted in it."""

import io
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from rich.console import Console

from pipeline.simulation.catalogue import catalogue_size
from pipeline.simulation.comparison import compare, comparison_table, run_comparison
from pipeline.simulation.dirt import CLEAN
from pipeline.simulation.facts import load_facts
from pipeline.simulation.world import days, make_world

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/listening_statistics.json"


@pytest.fixture(scope="module")
def figures():
    return run_comparison()


def test_every_checked_figure_is_within_its_bounds(figures):
    outside = [row for row in compare(figures) if not row.within]
    assert not outside, "\n".join(map(str, outside))


def test_most_numbers_are_checked(figures):
    rows = compare(figures)
    assert sum(row.is_checked for row in rows) >= 45
    assert {row.figure for row in rows} == set(load_facts())


def test_the_table_shows_each_figure_with_its_verdict(figures):
    screen = io.StringIO()
    Console(file=screen, width=160).print(comparison_table(figures))
    assert all(name in screen.getvalue() for name in load_facts())
    assert "✓" in screen.getvalue()
    assert "✗" not in screen.getvalue()


def test_the_facts_are_those_of_the_real_sample():
    if not SHARED.is_file():
        pytest.skip(f"no {SHARED.name}: the shared data are not on this machine")
    real = json.loads(SHARED.read_text())
    facts = load_facts()
    assert {name: fact.real for name, fact in facts.items()} == {name: real[name] for name in facts}


def test_a_catalogue_grows_less_than_its_audience():
    sizes = [catalogue_size(n) for n in (1, 100, 1500, 15_000)]
    assert sizes == sorted(sizes)
    assert 3_000 <= sizes[2] <= 12_000
    assert sizes[3] < 2 * sizes[2]


def test_new_artists_are_predicted_by_neighbours_better_than_by_fame():
    """Over four weeks of 400 listeners, cosine neighbours of artists hit more of the next plays than popularity."""
    n_listeners, train_days = 400, 28
    catalogue = make_world(n_listeners, 3)
    before = sp.lil_matrix((n_listeners, len(catalogue.genre)), dtype=np.float32)
    after = sp.lil_matrix(before.shape, dtype=np.float32)
    start = date(2026, 1, 1)
    for day in days(catalogue, n_listeners=n_listeners, n_days=35, seed=3, start=start, dirt=CLEAN):
        counted = day.plays.ms >= 30_000
        target = before if (day.date - start).days < train_days else after
        target[day.plays.listener[counted], catalogue.artist[day.plays.track[counted]]] = 1
    seen = before.tocsr()
    heard = seen.toarray() > 0
    new = (after.toarray() > 0) & ~heard
    norms = np.sqrt(np.maximum(np.asarray(seen.sum(axis=0)).ravel(), 1))
    scaled = seen.multiply(1 / norms).tocsr()
    neighbours = (seen @ (scaled.T @ scaled)).toarray()
    fame = np.broadcast_to(heard.sum(axis=0), heard.shape)

    def hits(scores):
        best = np.argsort(np.where(heard, -np.inf, scores), axis=1)[:, -10:]
        return np.take_along_axis(new, best, axis=1).sum()

    assert 1.3 * hits(fame) < hits(neighbours) < 4 * hits(fame)


def test_a_listener_keeps_to_few_of_the_planted_genres():
    """Five of the 36 genres hold more than twice the plays that the five largest would hold by chance."""
    catalogue = make_world(200, 4)
    days_of = list(days(catalogue, n_listeners=200, n_days=7, seed=4, start=date(2026, 1, 1), dirt=CLEAN))
    counts = np.zeros((200, 36))
    for day in days_of:
        np.add.at(counts, (day.plays.listener, catalogue.genre[catalogue.artist[day.plays.track]]), 1)
    top = np.sort(counts, axis=1)[:, -5:].sum(axis=1) / np.maximum(counts.sum(axis=1), 1)
    by_chance = np.sort(np.bincount(catalogue.genre) / len(catalogue.genre))[-5:].sum()
    assert np.median(top) > 2 * by_chance
