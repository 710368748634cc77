"""Print requests for the chart from a measured night: `python -m infra.helm.requests reports/night-DATE.json`."""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEADROOM = 1.5
"""Memory asked for, over the largest measured: logs grow, and a night that is killed for memory costs a night."""
AROUND_GIB = 1.5
"""Memory of the night's own process, DVC and Spark's driver beside the largest stage [GiB]."""


def requests_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return values for the chart, from a night's summary.

    Args:
        facts: reports/night-DATE.json.

    Raises:
        ValueError: no recipe was measured.
    """
    peaks = [row["peak_rss_bytes"] for row in facts["recipes"] if row["peak_rss_bytes"]]
    cpu = [row["cpu_seconds"] for row in facts["recipes"] if row["cpu_seconds"]]
    if not peaks or not cpu:
        raise ValueError("no recipe of this night was measured")
    memory = math.ceil(HEADROOM * (max(peaks) / 2**30 + AROUND_GIB))
    # Fits may run side by side, but a night is not in a hurry: as many cores as its fits keep busy, at least one.
    cores = max(1, round(sum(cpu) / max(facts["seconds"], 1.0)))
    resources = {
        "requests": {"cpu": str(cores), "memory": f"{memory}Gi"},
        "limits": {"memory": f"{math.ceil(HEADROOM * memory)}Gi"},
    }
    return {"night": {"resources": resources}}


if __name__ == "__main__":
    print(json.dumps(requests_of(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), indent=2))  # noqa: T201
