"""Runs Great Expectations behind one function that cannot succeed by accident."""

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
"""The consequence of an unmet expectation: `stop` fails the night; `quarantine` excludes what is at fault, and the
night goes on; `warn` only reports it."""
Outcome = Literal["held", "broken", "undecided"]
_SEVERITY_OF_GX: Mapping[Severity, str] = {"stop": "critical", "quarantine": "info", "warn": "warning"}


@dataclass(frozen=True)
class Expect:
    """One expectation, described without importing Great Expectations (which takes 2–10 s).

    Attributes:
        kind: a class of `great_expectations.expectations` without its `Expect`, as `ColumnValuesToBeUnique`.
        says: what is expected, in words; it appears in errors and reports, so it must contain no personal data.
        arguments: the keyword arguments of that class, as `{"column": "rows", "min_value": 1}`.
        severity: the consequence if it is not met.
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
    """Return the expectation that every value of a column lies between two bounds, inclusive."""
    bounds = {"column": column, "min_value": at_least, "max_value": at_most}
    return Expect("ColumnValuesToBeBetween", says, bounds, severity)


@dataclass(frozen=True)
class Finding:
    """The result of one expectation.

    Attributes:
        expect: the expectation.
        outcome: `undecided` if there were no values to check.
        where: the labels of the rows that broke it.
    """

    expect: Expect
    outcome: Outcome
    where: str = ""

    def as_json(self) -> dict[str, Any]:
        facts = {"says": self.expect.says, "kind": self.expect.kind, "column": self.expect.arguments.get("column")}
        return facts | {"severity": self.expect.severity, "outcome": self.outcome, "where": self.where}


@dataclass(frozen=True)
class SuiteReport:
    """The result of a suite: counts, expectations and labels, never values of the frame.

    Attributes:
        faults: why the frame or the suite could not be checked; each stops the night.
        findings: one for each expectation, in the suite's order.
    """

    name: str
    n_expectations: int
    n_rows: int
    faults: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """One line for each reason to stop the night."""
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
    """Combine the suite reports of one checkpoint, JSON-able; each line begins with its suite's name.

    Returns:
        `as_of`; `n_expectations`; `failures`, `warnings`, `excluded_listeners`, `undecided`, lists of lines; `suites`.
    """
    kinds = ("failures", "warnings", "excluded_listeners", "undecided")
    lines = {kind: [f"{each.name}: {line}" for each in reports for line in getattr(each, kind)] for kind in kinds}
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
    """Check a frame against a suite.

    Great Expectations reports success for an empty frame, an empty suite and a column of nulls only. Here, the first
    two fail, and so does a null in any column that an expectation names, unless the column is `nullable`; expectations
    of a nullable column with nulls only are undecided.

    Args:
        frame: pandas, of any size; every expectation costs one pass, so aggregate first if possible.
        expectations: the suite.
        name: of the suite, for the report.
        label: a non-personal column that identifies rows (a day, a file). If given, a finding names the first offending
            rows by it; all offending values of the frame are then held in memory for a moment.
        nullable: columns in which a null is not a failure.
    """
    faults = [] if len(frame) else ["the frame has no rows"]
    if not expectations:
        faults.append("the suite has no expectations")
    named = {v for e in expectations for k, v in e.arguments.items() if k.startswith("column") and isinstance(v, str)}
    for column in sorted(named):
        if column not in frame.columns:
            faults.append(f"column {column} is missing")
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
    """Return a batch definition for data frames; creating the context takes 0.1 s, and a process needs only one."""
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
    """Return a finding for each expectation, and a line for each that could not be evaluated."""
    if not expectations:
        return [], []
    by_number = _results(frame, dict(enumerate(expectations)), name=name, label=None)
    if label is not None:
        # Locating the rows costs half as much again, so it is done for broken expectations only.
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
    """Return the results of Great Expectations, by the number of the expectation."""
    frames = _frames()
    import great_expectations as gx
    import great_expectations.expectations as gxe

    batch = frames.get_batch({"dataframe": frame})
    # Results come back in another order than the suite's; the number in `meta` identifies them.
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
    # Every format but BOOLEAN_ONLY carries values of the frame; only the label is read from them.
    return "BOOLEAN_ONLY" if label is None else {"result_format": "COMPLETE", "unexpected_index_column_names": [label]}


def _raised(info: Any) -> bool:
    """Return whether evaluation raised; the info is one flat dictionary, or one for each metric that raised."""
    if not isinstance(info, dict):
        return False
    return bool(info.get("raised_exception")) or any(_raised(value) for value in info.values())


def _where(result: Mapping[str, Any], label: str | None) -> str:
    rows = result.get("unexpected_index_list") or []
    if label is None or not rows:
        return ""
    names = [str(row[label]) for row in rows[:_MAX_LABELS]]
    more = f" and {len(rows) - len(names)} more" if len(rows) > len(names) else ""
    return f" (not met by {label} {', '.join(names)}{more})"
