"""Cost relative to the champion's; only in the upgrade lane, because a refresh is the same recipe.

Time is CPU time: elapsed time also measures what else the machine was doing. Costs below a free amount pass at any
ratio: the popular list costs almost nothing, so that every model would exceed a multiple of it.
"""

from pipeline.gate.balance import measured
from pipeline.gate.guardrail import Case, Finding, Guardrail


def _seconds(case: Case) -> Finding:
    allowed = case.params.max_cpu_seconds_ratio * measured(case.champion).cpu_seconds
    return Finding(measured(case.challenger).cpu_seconds, max(case.params.free_cpu_seconds, allowed))


def _memory(case: Case) -> Finding:
    allowed = case.params.max_memory_ratio * measured(case.champion).peak_rss_bytes
    return Finding(measured(case.challenger).peak_rss_bytes, max(case.params.free_memory_bytes, allowed))


def _size(case: Case) -> Finding:
    allowed = case.params.max_model_bytes_ratio * measured(case.champion).model_bytes
    return Finding(measured(case.challenger).model_bytes, max(case.params.free_model_bytes, allowed))


GUARDRAILS = (
    Guardrail(
        "cpu_seconds",
        label="CPU time",
        explanation=(
            "CPU time of one fit and one scoring; at most `max_cpu_seconds_ratio` times the champion's, or "
            "`free_cpu_seconds`."
        ),
        kind="relative",
        side="at most",
        unit="s",
        check=_seconds,
        lanes=("upgrade",),
        place=90,
    ),
    Guardrail(
        "memory",
        label="memory",
        explanation="Peak memory; at most `max_memory_ratio` times the champion's, or `free_memory_bytes`.",
        kind="relative",
        side="at most",
        unit="B",
        check=_memory,
        lanes=("upgrade",),
        place=90,
    ),
    Guardrail(
        "model_bytes",
        label="model size",
        explanation="Size on disk; at most `max_model_bytes_ratio` times the champion's, or `free_model_bytes`.",
        kind="relative",
        side="at most",
        unit="B",
        check=_size,
        lanes=("upgrade",),
        place=90,
    ),
)
