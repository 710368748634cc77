"""How much is injected: a sample with the tests, all of it by `make faults` (NETGAIN_FAULTS=all)."""

import os
import random

ALL = os.environ.get("NETGAIN_FAULTS") == "all"
SEED = 20260101


def times(*, sample: int, all_: int) -> int:
    """So many injections."""
    return all_ if ALL else sample


def positions(n: int, *, sample: int, most: int | None = None) -> list[int]:
    """Of 0 … n−1: all of them, or `most` where there are more; with the tests, `sample` of them. Seeded."""
    wanted = min(n, most or n) if ALL else min(n, sample)
    return sorted(random.Random(SEED).sample(range(n), wanted))
