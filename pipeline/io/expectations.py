"""Great Expectations behind one function that cannot pass by accident."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.settings import silence_telemetry

if TYPE_CHECKING:
    import pandas as pd

_MAX_LABELS = 3


@dataclass(frozen=True)
class Expect:
    """One expectation, written down before Great Expectations (2–10 s to import) is needed.

    Attributes:
        kind: a class of `great_expectations.expectations` without its `Expect`, as `ColumnValuesToBeUnique`.
        says: what is expected, for a person; it ends up in errors and reports, so it carries no personal value.
        arguments: the keyword arguments of that class, as `{"column": "rows", "min_value": 1}`.
    """

    kind: str
    says: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SuiteReport:
    """What a suite found; holds counts, expectations and labels, never values of the frame.

    Attributes:
        failures: one line each, empty exactly when `success`.
    """

    name: str
    success: bool
    n_expectations: int
    n_rows: int
    failures: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "success": self.success,
            "n_expectations": self.n_expectations,
            "n_rows": self.n_rows,
            "failures": list(self.failures),
        }


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
    two fail, and so does a null in any column that an expectation names, unless the column is `nullable`.

    Args:
        frame: pandas, of any size; every expectation costs one pass, so aggregate first where that is possible.
        expectations: the suite.
        name: of the suite, for the report.
        label: a column that tells rows apart without being personal (a day, a file). Where given, a failure names the
            first offending rows by it; the whole frame's offending values are then held in memory for a moment.
        nullable: columns in which a null is not a failure.
    """
    failures = [] if len(frame) else ["the frame has no rows"]
    if not expectations:
        failures.append("the suite has no expectations")
    named = {v for e in expectations for k, v in e.arguments.items() if k.startswith("column") and isinstance(v, str)}
    for column in sorted(named):
        if column not in frame.columns:
            failures.append(f"there is no column {column}")
        elif column not in nullable and (n_null := int(frame[column].isna().sum())):
            failures.append(f"{column} is null in {n_null} of {len(frame)} rows")
    if len(frame) and expectations and named <= set(frame.columns):
        failures += _evaluate(frame, expectations, name=name, label=label)
    return SuiteReport(name, not failures, len(expectations), len(frame), tuple(failures))


def _evaluate(frame: pd.DataFrame, expectations: Sequence[Expect], *, name: str, label: str | None) -> list[str]:
    silence_telemetry()
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frame").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("frame").get_batch({"dataframe": frame})
    # Results come back in another order than the suite's; the number in `meta` brings them home.
    suite = gx.ExpectationSuite(
        name,
        expectations=[
            getattr(gxe, f"Expect{e.kind}")(**e.arguments, meta={"n": n}) for n, e in enumerate(expectations)
        ],
    )
    results = batch.validate(suite, result_format=_result_format(label))
    by_number = {result.expectation_config.meta["n"]: result for result in results.results}
    failures = []
    for n, expect in enumerate(expectations):
        result = by_number.get(n)
        if result is None or _raised(result.exception_info):
            failures.append(f"{expect.says}: it could not be evaluated ({expect.kind})")
        elif not result.success:
            failures.append(expect.says + _where(result.result, label))
    return failures


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
