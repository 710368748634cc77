"""Team draft: fair between equal lists, every item of both, and a better list wins credit."""

from collections import Counter
from itertools import islice

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.online.drafting import CONTROL, TREATMENT, coins, team_draft
from pipeline.online.effects import ratio_effect

LISTS = st.lists(st.integers(0, 30), unique=True, max_size=12)


@given(LISTS, LISTS, st.integers(1, 15), st.integers(0, 2**20))
def test_a_draft_has_each_item_once_and_teams_take_turns(ours: list[int], theirs: list[int], k: int, bits: int) -> None:
    found = team_draft(ours, theirs, k, (bool(bits >> n & 1) for n in range(40)))
    items = [(ours if team == CONTROL else theirs)[place] for team, place in found]
    assert len(items) == len(set(items)) == min(k, len({*ours, *theirs}))
    for n in range(0, len(found), 2):  # in each round each team picks once, as long as both have items left
        if len(ours) == len(theirs) == 12 and n + 2 <= min(len(found), 12):
            assert {team for team, _ in found[n : n + 2]} == {CONTROL, TREATMENT}


def test_coins_are_fair_and_come_again() -> None:
    flips = list(islice(coins("s", "x", "2026-02-12", "t"), 10_000))
    assert abs(np.mean(flips) - 0.5) < 4 * 0.5 / 100
    assert flips[:300] == list(islice(coins("s", "x", "2026-02-12", "t"), 300))
    assert flips[:64] != list(islice(coins("s", "x", "2026-02-13", "t"), 64))


def test_equal_lists_share_the_credit_and_a_better_list_wins_it() -> None:
    """Listeners play each listed item with a chance that falls with its place in the better list."""
    rng, days = np.random.default_rng(2), 10
    good = list(range(20))
    for other, wins in ((good[::-1], True), (good, False)):
        lead, all_of = np.zeros((200, days)), np.zeros((200, days))
        for i in range(200):
            for d in range(days):
                draft = team_draft(good, other, 10, coins("s", "x", str(d), str(i)))
                items = [(good if team == CONTROL else other)[place] for team, place in draft]
                played = rng.random(10) < 0.5 / (1 + np.array(items))
                teams = Counter(team for (team, _), hit in zip(draft, played, strict=True) if hit)
                lead[i, d], all_of[i, d] = teams[CONTROL] - teams[TREATMENT], teams.total()
        found = ratio_effect(lead, all_of)
        assert found is not None
        assert (found.interval()[0] > 0) is wins
