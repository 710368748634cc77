"""Team-draft interleaving (Radlinski, Kurup & Joachims, CIKM 2008): one list from two, and credit for each."""

import hmac
from collections.abc import Hashable, Iterator, Sequence

CONTROL, TREATMENT = "C", "T"
"""The team of an item, one letter an item in `team` of impressions."""


def coins(salt: str, experiment: str, night: str, token: str) -> Iterator[bool]:
    """Yield a fair coin for each round of a listener's draft: the same ones if the night is run again."""
    block = 0
    while True:
        text = f"{experiment}\0{night}\0{token}\0{block}".encode("utf-8", "surrogatepass")
        bits = int.from_bytes(hmac.digest(salt.encode(), text, "sha256"), "big")
        for place in range(256):
            yield bool(bits >> place & 1)
        block += 1


def team_draft(
    control: Sequence[Hashable], treatment: Sequence[Hashable], k: int, first: Iterator[bool]
) -> list[tuple[str, int]]:
    """Draft a list: in each round a coin says which team picks first, and each picks its best item not yet taken.

    Args:
        control: items of the one list, best first, without repetition.
        treatment: items of the other.
        k: length of the drafted list.
        first: for each round, whether the treatment picks first.

    Returns:
        Team and place in the team's own list of each drafted item; shorter than k only if both lists are exhausted.

    >>> team_draft("abc", "bcd", 4, iter([True, False]))
    [('T', 0), ('C', 0), ('C', 2), ('T', 2)]
    """
    lists = {CONTROL: control, TREATMENT: treatment}
    places, taken, drafted = {CONTROL: 0, TREATMENT: 0}, set[Hashable](), list[tuple[str, int]]()

    def pick(team: str) -> None:
        while places[team] < len(lists[team]):
            item, place = lists[team][places[team]], places[team]
            places[team] += 1
            if item not in taken:
                taken.add(item)
                drafted.append((team, place))
                return

    while len(drafted) < k and any(places[team] < len(lists[team]) for team in lists):
        order = (TREATMENT, CONTROL) if next(first) else (CONTROL, TREATMENT)
        for team in order:
            if len(drafted) < k:
                pick(team)
    return drafted
