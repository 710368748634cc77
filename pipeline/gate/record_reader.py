"""Reads decision records. Those of earlier rules are refused by name: they follow from other code."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pipeline.gate.record import INPUT_KEYS, Inputs
from pipeline.gate.record_model import SCHEMA, DecisionRecord

LAST_COMMIT_OF = {3: "36f288f", 4: "36f288f"}
"""For each earlier schema, the last commit whose code has the rule that its records were decided by."""


def unreadable(schema: object) -> str | None:
    """Return why a record of a schema cannot be read, and what to do; None if it can be.

    Examples:
        >>> unreadable(3)
        'it has schema 3, of an earlier rule: commit 36f288f of Netgain reads and replays it'
        >>> unreadable(SCHEMA) is None
        True
    """
    if schema == SCHEMA:
        return None
    commit = LAST_COMMIT_OF.get(schema) if isinstance(schema, int) else None
    if commit is None:
        return f"it has schema {schema!r}, and {SCHEMA} can be read"
    return f"it has schema {schema}, of an earlier rule: commit {commit} of Netgain reads and replays it"


def parse_record(document: Mapping[str, Any]) -> DecisionRecord:
    """Return a record.

    Raises:
        ValueError: it is of another schema, or something is missing, mistyped or unknown; the message names what.
    """
    why = unreadable(document.get("schema"))
    if why is not None:
        raise ValueError(why)
    try:
        return DecisionRecord.model_validate(document)
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from err


def inputs_from(document: Mapping[str, Any]) -> Inputs:
    """Return the inputs from which a record can be made again, with the guardrails that it lists.

    Raises:
        ValueError: see `parse_record`.
    """
    record = parse_record(document)
    return Inputs(
        as_of=record.as_of.isoformat(),
        k=record.k,
        evidence=record.evidence,
        gate=record.gate,
        economics=record.assumptions,
        days=tuple(day.isoformat() for day in record.days),
        arrays=record.arrays,
        hashes=record.hashes,
        guardrails=tuple(guardrail.name for guardrail in record.guardrails),
        written={key: document[key] for key in INPUT_KEYS if key in document},
    )
