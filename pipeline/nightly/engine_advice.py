"""Says where a night would be cheaper without Spark, and by how much."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.recommenders.registry import FAMILIES
from pipeline.runtime.cluster import is_cluster
from pipeline.settings import Settings

START_CPU_SECONDS = 12.4
"""Of a JVM (7.9) and its first session (4.5), measured on small nights."""


def engine_advice(settings: Settings, families: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return a sentence on what NETGAIN_ENGINE=inprocess would save; None where Spark is worth its start.

    It is, if fits side by side on this machine's cores win more than the start costs, and on a cluster.

    Args:
        settings: of this machine.
        families: the family of each recipe.
        rows: `recipe` and `cpu_seconds` of each measured recipe, see `recipe_rows`.
    """
    if settings.engine == "inprocess" or is_cluster(settings):
        return None
    cpu = {row["recipe"]: row["cpu_seconds"] or 0.0 for row in rows if row["recipe"] in families}
    driven = {name for name in cpu if not FAMILIES[families[name]].runs_in_task}
    shared = sum(seconds for name, seconds in cpu.items() if name not in driven)
    cores = len(os.sched_getaffinity(0))
    if shared * (1 - 1 / cores) > START_CPU_SECONDS:
        return None
    saved = f"NETGAIN_ENGINE=inprocess would save the start of Spark, about {START_CPU_SECONDS:.0f} s of CPU a night"
    if not driven:
        return f"{saved}: the fits that it shares out take {shared:.0f} s"
    names, seconds = ", ".join(sorted(driven)), sum(cpu[name] for name in driven)
    return f"{saved}; it needs a params.yaml without {names}, which saves {seconds:.0f} s more"
