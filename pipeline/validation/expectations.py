"""Great Expectations behind one function that cannot pass by accident."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pipeline.settings import silence_telemetry

if TYPE_CHECKING:
    import pandas as pd

_MAX_LABELS = 3

Severity = Literal["stop", "quarantine", "warn"]
"""What follows where an expectation is not met: the night stops; what is at fault is set aside and the night goes on;
it is told and nothing else."""
Outcome = Literal["held", "broken", "undecided"]
_SEVERITY_OF_GX: Mapping[Severity, str] = {"stop": "critical", "quarantine": "info", "warn": "warning"}


@dataclass(frozen=True)
class Expect:
    """One expectation, written down before Great Expectations (2–10 s to import) is needed.

    Attributes:
        kind: a class of `great_expectations.expectations` without its `Expect`, as `ColumnValuesToBeUnique`.
        says: what is expected, for a person; it ends up in errors and reports, so it carries no personal value.
        arguments: the keyword arguments of that class, as `{"column": "rows", "min_value": 1}`.
        severity: what follows where it is not met.
    """

    kind: str
    says: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "stop"


def within(
    column: str,
    says: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    severity: Severity = "stop",
) -> Expect:
    """Every value of a column lies between two bounds, which are included."""
    bounds = {"column": column, "min_value": at_least, "max_value": at_most}
    return Expect("ColumnValuesToBeBetween", says, bounds, severity)


@dataclass(frozen=True)
class Finding:
    """What became of one expectation.

    Attributes:
        outcome: `undecided` where there was nothing to hold it against, which is neither met nor broken.
        where: the rows that broke it, by their label.
    """

    expect: Expect
    outcome: Outcome
    where: str = ""

    def as_json(self) -> dict[str, Any]:
        told = {"says": self.expect.says, "kind": self.expect.kind, "column": self.expect.arguments.get("column")}
        return told | {"severity": self.expect.severity, "outcome": self.outcome, "where": self.where}


@dataclass(frozen=True)
class SuiteReport:
    """What a suite found; holds counts, expectations and labels, never values of the frame.

    Attributes:
        faults: why the frame or the suite could not be what was asked for; each stops the night.
        findings: one for each expectation, in the suite's order.
    """

    name: str
    n_expectations: int
    n_rows: int
    faults: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """One line each for what stops the night."""
        return (*self.faults, *self._broken("stop"))

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._broken("warn")

    @property
    def excluded_listeners(self) -> tuple[str, ...]:
        return self._broken("quarantine")

    @property
    def undecided(self) -> tuple[str, ...]:
        return tuple(found.expect.says for found in self.findings if found.outcome == "undecided")

    @property
    def success(self) -> bool:
        """Whether nothing stops the night."""
        return not self.failures

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "success": self.success,
            "n_expectations": self.n_expectations,
            "n_rows": self.n_rows,
            "faults": list(self.faults),
            "findings": [found.as_json() for found in self.findings],
        }

    def _broken(self, severity: Severity) -> tuple[str, ...]:
        broken = (found for found in self.findings if found.outcome == "broken")
        return tuple(found.expect.says + found.where for found in broken if found.expect.severity == severity)


def checkpoint(reports: Sequence[SuiteReport], *, as_of: dt.date) -> dict[str, Any]:
    """Reports of one place in the night, JSON-able: each line begins with its suite's name.

    Returns:
        `as_of`; `n_expectations`; `failures`, `warnings`, `excluded_listeners`, `undecided`, lists of lines; `suites`.
    """
    told = ("failures", "warnings", "excluded_listeners", "undecided")
    lines = {kind: [f"{each.name}: {line}" for each in reports for line in getattr(each, kind)] for kind in told}
    total = sum(each.n_expectations for each in reports)
    night = {"as_of": as_of.isoformat(), "n_expectations": total}
    return {**night, **lines, "suites": [each.as_json() for each in reports]}


def check(
    frame: pd.DataFrame,
    expectations: Sequence[Expect],
    *,
    name: str,
    label: str | None = None,
    nullable: Collection[str] = (),
) -> SuiteReport:
    """Hold a frame against a suite.

    Great Expectations calls an empty frame, an empty suite and a column of nothing but nulls a success. Here the first
    two fail, and so does a null in any column that an expectation names, unless the column is `nullable`; what is
    expected of a nullable column that holds nothing else is undecided.

    Args:
        frame: pandas, of any size; every expectation costs one pass, so aggregate first where that is possible.
        expectations: the suite.
        name: of the suite, for the report.
        label: a column that tells rows apart without being personal (a day, a file). Where given, a finding names the
            first offending rows by it; the whole frame's offending values are then held in memory for a moment.
        nullable: columns in which a null is not a failure.
    """
    faults = [] if len(frame) else ["the frame has no rows"]
    if not expectations:
        faults.append("the suite has no expectations")
    named = {v for e in expectations for k, v in e.arguments.items() if k.startswith("column") and isinstance(v, str)}
    for column in sorted(named):
        if column not in frame.columns:
            faults.append(f"there is no column {column}")
        elif column not in nullable and (n_null := int(frame[column].isna().sum())):
            faults.append(f"{column} is null in {n_null} of {len(frame)} rows")
    findings = [Finding(expect, "undecided") for expect in expectations]
    if len(frame) and expectations and named <= set(frame.columns):
        empty = {column for column in named & set(nullable) if frame[column].isna().all()}
        decided = [n for n, e in enumerate(expectations) if e.arguments.get("column") not in empty]
        found, unable = _evaluate(frame, [expectations[n] for n in decided], name=name, label=label)
        for n, finding in zip(decided, found, strict=True):
            findings[n] = finding
        faults += unable
    return SuiteReport(name, len(expectations), len(frame), tuple(faults), tuple(findings))


@lru_cache(maxsize=1)
def _frames() -> Any:
    """What makes a batch of a frame. A context costs a tenth of a second, and a process needs one."""
    silence_telemetry()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frame").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("frame")


def _evaluate(
    frame: pd.DataFrame, expectations: Sequence[Expect], *, name: str, label: str | None
) -> tuple[list[Finding], list[str]]:
    """A finding for each expectation, and a line for each that could not be evaluated."""
    if not expectations:
        return [], []
    by_number = _results(frame, dict(enumerate(expectations)), name=name, label=None)
    if label is not None:
        # Where each row stands costs half as much again, and is asked for what is broken alone.
        broken = {n: expectations[n] for n, r in by_number.items() if not r.success and not _raised(r.exception_info)}
        by_number |= _results(frame, broken, name=name, label=label) if broken else {}
    findings, unable = [], []
    for n, expect in enumerate(expectations):
        result = by_number.get(n)
        if result is None or _raised(result.exception_info):
            findings.append(Finding(expect, "undecided"))
            unable.append(f"{expect.says}: it could not be evaluated ({expect.kind})")
        elif result.success:
            findings.append(Finding(expect, "held"))
        else:
            findings.append(Finding(expect, "broken", _where(result.result, label)))
    return findings, unable


def _results(
    frame: pd.DataFrame, expectations: Mapping[int, Expect], *, name: str, label: str | None
) -> dict[int, Any]:
    """What Great Expectations says of each expectation, by its number."""
    frames = _frames()
    import great_expectations as gx
    import great_expectations.expectations as gxe

    batch = frames.get_batch({"dataframe": frame})
    # Results come back in another order than the suite's; the number in `meta` brings them home.
    suite = gx.ExpectationSuite(
        name,
        expectations=[
            getattr(gxe, f"Expect{e.kind}")(**e.arguments, severity=_SEVERITY_OF_GX[e.severity], meta={"n": n})
            for n, e in expectations.items()
        ],
    )
    results = batch.validate(suite, result_format=_result_format(label))
    return {result.expectation_config.meta["n"]: result for result in results.results}


def _result_format(label: str | None) -> Any:
    # Every format but BOOLEAN_ONLY carries values of the frame; of those only the label is read back.
    return "BOOLEAN_ONLY" if label is None else {"result_format": "COMPLETE", "unexpected_index_column_names": [label]}


def _raised(info: Any) -> bool:
    """Whether evaluation failed: the facts are flat, or one dictionary for each metric that raised."""
    if not isinstance(info, dict):
        return False
    return bool(info.get("raised_exception")) or any(_raised(value) for value in info.values())


def _where(result: Mapping[str, Any], label: str | None) -> str:
    rows = result.get("unexpected_index_list") or []
    if label is None or not rows:
        return ""
    names = [str(row[label]) for row in rows[:_MAX_LABELS]]
    more = f" and {len(rows) - len(names)} more" if len(rows) > len(names) else ""
    return f" (not so for {label} {', '.join(names)}{more})"
