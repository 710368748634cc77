"""A suite passes only when rows were there and every expectation was evaluated on them."""

import pandas as pd

from pipeline.io.expectations import Expect, check

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
    assert check(pd.DataFrame({"x": [1]}), [POSITIVE], name="days").failures == ("there is no column rows",)


def test_failures_name_rows_by_label_and_never_by_value() -> None:
    frame = pd.DataFrame({"rows": [0, -17, 5, -18, -19], "day": ["mon", "tue", "wed", "thu", "fri"]})
    (failure,) = check(frame, [POSITIVE], name="days", label="day").failures
    assert failure == "every day has rows (not so for day mon, tue, thu and 1 more)"
    assert check(frame, [POSITIVE], name="days").failures == ("every day has rows",)


def test_an_expectation_that_cannot_be_evaluated_is_a_failure() -> None:
    frame = pd.DataFrame({"rows": ["one", "two"]})
    (failure,) = check(frame, [POSITIVE], name="days").failures
    assert failure == "every day has rows: it could not be evaluated (ColumnValuesToBeBetween)"


def test_the_same_expectation_twice_counts_twice() -> None:
    report = check(pd.DataFrame({"rows": [0]}), [POSITIVE, POSITIVE], name="days")
    assert report.failures == ("every day has rows", "every day has rows")
