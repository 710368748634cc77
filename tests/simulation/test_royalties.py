"""The royalty classes of the simulated catalogue."""

import numpy as np

from pipeline.features.royalties import read_csv
from pipeline.simulation.royalties import CLASSES, royalties, write_royalties


def test_classes_have_their_shares_and_the_same_seed_the_same_prices():
    prices = royalties(20_000, 1)
    np.testing.assert_array_equal(prices, royalties(20_000, 1))
    assert (prices != royalties(20_000, 2)).any()
    for share, price in CLASSES.values():
        assert abs((prices == price).mean() - share) < 4 * np.sqrt(share * (1 - share) / 20_000)


def test_every_artist_has_a_row_that_a_night_reads(tmp_path):
    n = write_royalties(tmp_path / "royalties.csv", n_listeners=10, seed=1, n_artists=1_000)
    found = read_csv(tmp_path / "royalties.csv")
    assert n == len(found) == 1_000
    assert set(found.values()) == {price for _, price in CLASSES.values()}
