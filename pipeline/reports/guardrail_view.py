"""The guardrails of a challenger for people: broken ones first; limits that are far can be folded away."""

from dataclasses import dataclass

from pipeline.gate.guardrail import Gate
from pipeline.gate.record_model import DecisionRecord, GuardrailDescription
from pipeline.reports.figures import with_unit

NEAR = 0.5
"""The share of a limit on cost from which it is shown among the guardrails that matter."""
RESULTS = {True: "passed", False: "broken", None: "not judged"}
MARKS = {True: "✓", False: "✕", None: "○"}


@dataclass(frozen=True)
class GuardrailRow:
    """A guardrail as it is shown.

    Attributes:
        name: in the record.
        label: for people.
        passed: True, False, or None if it could not be judged; that counts neither for nor against.
        found, bound, detectable: figures with their units.
        explanation: what is measured, and what bounds it.
        far: whether it is a limit on cost that less than NEAR of is used.
    """

    name: str
    label: str
    passed: bool | None
    found: str
    bound: str
    detectable: str
    explanation: str
    far: bool

    @property
    def result(self) -> str:
        """Return the result as a word."""
        return RESULTS[self.passed]

    @property
    def mark(self) -> str:
        """Return the result as a sign."""
        return MARKS[self.passed]


def guardrail_rows(record: DecisionRecord, gates: tuple[Gate, ...]) -> list[GuardrailRow]:
    """Return the guardrails in the words of the record, broken ones first."""
    described = {each.name: each for each in record.guardrails}
    rows = [_row(gate, described.get(gate.name)) for gate in gates]
    return sorted(rows, key=lambda row: row.passed is not False)


def _row(gate: Gate, found: GuardrailDescription | None) -> GuardrailRow:
    unit = "" if found is None else found.unit
    far = unit in {"s", "B"} and gate.passed is True and gate.value < NEAR * gate.bound
    return GuardrailRow(
        gate.name,
        gate.name.replace("_", " ") if found is None else found.label,
        gate.passed,
        with_unit(gate.value, unit),
        _bound(gate, found, unit),
        with_unit(gate.detectable, unit),
        "" if found is None else found.explanation,
        far,
    )


def _bound(gate: Gate, found: GuardrailDescription | None, unit: str) -> str:
    shown = with_unit(gate.bound, unit)
    return shown if found is None or gate.passed is None else f"{found.side} {shown}"


def far_line(rows: list[GuardrailRow]) -> str:
    """Return a sentence on the limits that are far; empty without one."""
    far = [row for row in rows if row.far]
    if not far:
        return ""
    what = f"Each of {len(far)} limits on cost" if len(far) > 1 else "One limit on cost"
    return f"{what} is less than half used: {'; '.join(row.label for row in far)}."
