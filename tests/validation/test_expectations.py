"""A suite passes only if there are rows and every expectation was evaluated on them."""

import datetime as dt

import pandas as pd
import pytest

from pipeline.validation.expectations import Expect, Severity, check, checkpoint, within

POSITIVE = Expect("ColumnValuesToBeBetween", "every day has rows", {"column": "rows", "min_value": 1})


def test_a_frame_that_meets_its_expectations_passes() -> None:
    report = check(pd.DataFrame({"rows": [1, 2]}), [POSITIVE], name="days")
    assert report.success
    assert report.failures == ()
    assert (report.n_expectations, report.n_rows) == (1, 2)


def test_an_empty_frame_never_passes() -> None:
    report = check(pd.DataFrame({"rows": pd.Series([], dtype="int64")}), [POSITIVE], name="days")
    assert not report.success
    assert report.failures == ("the frame has no rows",)


def test_an_empty_suite_never_passes() -> None:
    report = check(pd.DataFrame({"rows": [1]}), [], name="days")
    assert not report.success
    assert report.failures == ("the suite has no expectations",)


def test_a_column_of_nulls_never_passes_unless_it_may_be_null() -> None:
    frame = pd.DataFrame({"rows": [None, 1.0]})
    assert check(frame, [POSITIVE], name="days").failures == ("rows is null in 1 of 2 rows",)
    assert check(frame, [POSITIVE], name="days", nullable={"rows"}).success


def test_a_missing_column_is_a_failure() -> None:
    assert check(pd.DataFrame({"x": [1]}), [POSITIVE], name="days").failures == ("column rows is missing",)


def test_failures_name_rows_by_label_and_never_by_value() -> None:
    frame = pd.DataFrame({"rows": [0, -17, 5, -18, -19], "day": ["mon", "tue", "wed", "thu", "fri"]})
    (failure,) = check(frame, [POSITIVE], name="days", label="day").failures
    assert failure == "every day has rows (not met by day mon, tue, thu and 1 more)"
    assert check(frame, [POSITIVE], name="days").failures == ("every day has rows",)


def test_an_expectation_that_cannot_be_evaluated_is_a_failure() -> None:
    frame = pd.DataFrame({"rows": ["one", "two"]})
    (failure,) = check(frame, [POSITIVE], name="days").failures
    assert failure == "every day has rows: it could not be evaluated (ColumnValuesToBeBetween)"


def test_the_same_expectation_twice_counts_twice() -> None:
    report = check(pd.DataFrame({"rows": [0]}), [POSITIVE, POSITIVE], name="days")
    assert report.failures == ("every day has rows", "every day has rows")


@pytest.mark.parametrize(
    ("severity", "failures", "warnings", "excluded_listeners"),
    [("stop", 1, 0, 0), ("warn", 0, 1, 0), ("quarantine", 0, 0, 1)],
)
def test_a_severity_determines_the_consequence(
    severity: Severity, failures: int, warnings: int, excluded_listeners: int
) -> None:
    few = within("rows", "few rows", at_most=1, severity=severity)
    report = check(pd.DataFrame({"rows": [2]}), [few], name="days")
    assert (len(report.failures), len(report.warnings), len(report.excluded_listeners)) == (
        failures,
        warnings,
        excluded_listeners,
    )
    assert report.success == (severity != "stop")


@pytest.mark.parametrize("severity", ["stop", "warn", "quarantine"])
def test_what_cannot_be_evaluated_stops_the_night_whatever_its_severity(severity: Severity) -> None:
    few = within("rows", "few rows", at_most=1, severity=severity)
    report = check(pd.DataFrame({"rows": ["one"]}), [few], name="days")
    assert report.failures == ("few rows: it could not be evaluated (ColumnValuesToBeBetween)",)


def test_a_nullable_column_of_nulls_only_is_undecided() -> None:
    frame = pd.DataFrame({"rows": [1], "age": [None]})
    suite = [POSITIVE, within("age", "young", at_most=2)]
    report = check(frame, suite, name="days", nullable={"age"})
    assert (report.success, report.undecided) == (True, ("young",))
    assert [finding.outcome for finding in report.findings] == ["held", "undecided"]
    assert not check(frame, suite, name="days").success


def test_a_suite_of_undecided_expectations_has_no_passed_one() -> None:
    report = check(pd.DataFrame({"age": [None]}), [within("age", "young", at_most=2)], name="days", nullable={"age"})
    assert [finding.outcome for finding in report.findings] == ["undecided"]


def test_each_line_of_a_checkpoint_names_its_suite() -> None:
    frame = pd.DataFrame({"rows": [0]})
    told = checkpoint(
        [
            check(frame, [POSITIVE], name="a"),
            check(frame, [within("rows", "many rows", at_least=9, severity="warn")], name="b"),
        ],
        as_of=dt.date(2026, 1, 1),
    )
    assert (told["as_of"], told["n_expectations"]) == ("2026-01-01", 2)
    assert (told["failures"], told["warnings"]) == (["a: every day has rows"], ["b: many rows"])
    assert [suite["success"] for suite in told["suites"]] == [False, True]
