"""Records of every schema that was ever published, as values of today's shape."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pipeline.gate import record_v3
from pipeline.gate.record import INPUT_KEYS, Inputs
from pipeline.gate.record_model import SCHEMA, DecisionRecord

SCHEMAS = (record_v3.SCHEMA, SCHEMA)


def parse_record(document: Mapping[str, Any]) -> DecisionRecord:
    """Return a record of any schema of SCHEMAS.

    Raises:
        ValueError: it has another schema, or something is missing, mistyped or unknown; the message names what.
    """
    if document.get("schema") not in SCHEMAS:
        raise ValueError(f"schema {document.get('schema')!r} is not among {SCHEMAS}")
    try:
        current = record_v3.upgraded(document) if document["schema"] == record_v3.SCHEMA else document
        return DecisionRecord.model_validate(current)
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from err
    except KeyError as err:
        raise ValueError(f"{err.args[0]}: missing") from err


def inputs_from(document: Mapping[str, Any]) -> Inputs:
    """Return the inputs from which a record can be made again, with the guardrails that it lists and in its own schema.

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
        arrays=record.arrays,
        hashes=record.hashes,
        guardrails=tuple(guardrail.name for guardrail in record.guardrails),
        schema=document["schema"],
        written={key: document[key] for key in INPUT_KEYS if key in document},
    )
