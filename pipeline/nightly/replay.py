"""A decision made again from its record and arrays alone, as it was made or under other assumptions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.errors import ParamsError, RecordError
from pipeline.gate.evidence import Arrays
from pipeline.gate.record import Inputs, digest_of, make_record
from pipeline.gate.record_reader import inputs_from, unreadable
from pipeline.json_values import Json
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams
from pipeline.stages.fingerprints import rule_code
from pipeline.stages.gate_inputs import read_arrays
from pipeline.storage.checksums import fact
from pipeline.storage.json_files import json_text, read_json

_AGAIN = "Take the file as it was published, from its MLflow run or its workspace."


def replay(path: Path) -> Json:
    """Make a record again from its inputs and arrays, and compare it with what was written, bit for bit.

    It is judged by the rule that it was written with: guardrails that it does not list are not applied.

    Args:
        path: a decision.json, with the tables it names beside it.

    Raises:
        RecordError: an input is not the one that the record was made from, or another record follows; the message
            says what differs.
    """
    record = read_record(path)
    inputs = _inputs(path, record)
    again = make_record(inputs, _arrays(path, inputs))
    difference = first_difference(record, again)
    if difference is not None:
        other = record["hashes"]["rule"] != rule_code()
        why = "; the rule's code is not the one that it was made by" if other else ""
        raise RecordError(f"{path} does not follow from its inputs: {difference}{why}", expected="equality", fix=_AGAIN)
    return record


def what_if(path: Path, settings: Sequence[str]) -> tuple[Json, Json]:
    """Return the record of a night, and the one under other assumptions; nothing is fitted or written.

    Args:
        path: a decision.json, with the tables it names beside it.
        settings: `economics.listeners=1000000`, `gate.alpha=0.01`, …

    Raises:
        RecordError: see `replay`.
        ParamsError: a setting names no parameter of economics or gate, or has no value for it.
    """
    record = replay(path)
    inputs = _inputs(path, record)
    groups: dict[str, dict[str, Any]] = {"economics": record["assumptions"], "gate": record["gate"]}
    for setting in settings:
        groups = _set(groups, setting)
    try:
        economics = EconomicsParams.model_validate(groups["economics"])
        gate = GateParams.model_validate(groups["gate"])
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ParamsError(f"--set {where} = {first['input']!r}", expected=first["msg"], fix="See params.yaml.") from err
    # Parameters that the record does not have are of guardrails that it was not judged by.
    thresholds = {name: value for name, value in gate.model_dump().items() if name in record["gate"]}
    written = {**inputs.written, "gate": thresholds, "assumptions": economics.model_dump()}
    changed = replace(inputs, economics=economics, gate=gate, written=written)
    return record, make_record(changed, _arrays(path, inputs))


def read_record(path: Path) -> Json:
    """Return a record as it was written.

    Raises:
        RecordError: it is of an unknown schema, or was changed after it was written.
        TableError: the file is missing or is not JSON.
    """
    record = read_json(path)
    if not isinstance(record, dict) or "digest" not in record:
        raise RecordError(f"{path} is not a decision record", expected="a decision.json", fix=_AGAIN)
    why = unreadable(record.get("schema"))
    if why is not None:
        raise RecordError(
            f"{path} cannot be replayed: {why}",
            expected="a record of this version's rule",
            fix="Check out that commit, or use a record of a night since the update.",
        )
    found = digest_of(record)
    if found != record["digest"]:
        raise RecordError(
            f"{path} was changed after it was written: its content has the digest {found[:12]}{_changed(path, record)}",
            expected=f"the {str(record['digest'])[:12]} that it names",
            fix=_AGAIN,
        )
    if json_text(record) != path.read_text(encoding="utf-8"):
        raise RecordError(f"{path} was reformatted or damaged", expected="the bytes as written", fix=_AGAIN)
    return record


def first_difference(a: Any, b: Any, where: str = "") -> str | None:
    """Return the first place where two JSON values differ, with both; None if they are equal."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            if key not in a or key not in b:
                return f"{where}.{key} is in only one of the two".lstrip(".")
            found = first_difference(a[key], b[key], f"{where}.{key}")
            if found:
                return found
        return None
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = (first_difference(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(a, b, strict=True)))
        return next((found for found in pairs if found), None)
    return None if a == b and type(a) is type(b) else f"{where} is {a!r} and would be {b!r}".lstrip(".")


def _changed(path: Path, record: Json) -> str:
    """Return what differs from what follows from the inputs, or nothing if that cannot be computed."""
    try:
        inputs = _inputs(path, record)
        again = make_record(inputs, _arrays(path, inputs))
        difference = first_difference({**record, "digest": ""}, {**again, "digest": ""})
    except (RecordError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f" ({difference})" if difference else ""


def _inputs(path: Path, record: Json) -> Inputs:
    try:
        return inputs_from(record)
    except ValueError as err:
        what = " ".join(str(err).split())[:120]
        raise RecordError(f"{path} cannot be read: {what}", expected="a decision.json", fix=_AGAIN) from err


def _arrays(path: Path, inputs: Inputs) -> Arrays:
    files: dict[str, Path] = {}
    for name, array in inputs.arrays.items():
        file = (path.parent / array.file).resolve()
        if not file.is_relative_to(path.parent.resolve()):
            raise RecordError(f"{path} names {array.file}", expected="files beside the record", fix=_AGAIN)
        found = fact(file) if file.is_file() else None
        if found != {"bytes": array.bytes, "sha256": array.sha256}:
            what = "is missing" if found is None else f"has {found['bytes']} bytes and SHA-256 {found['sha256'][:12]}"
            raise RecordError(
                f"{file} {what}", expected=f"{array.bytes} bytes and SHA-256 {array.sha256[:12]}", fix=_AGAIN
            )
        files[name] = file
    return read_arrays(files, inputs.evidence.history, inputs.days)


def _set(groups: Mapping[str, Any], setting: str) -> dict[str, Any]:
    """Return `groups` with one value changed; the others are shared."""
    dotted, equals, text = setting.partition("=")
    *folders, leaf = dotted.strip().split(".")
    if not equals or not folders or folders[0] not in groups:
        raise ParamsError(
            f"--set {setting}", expected="economics.NAME=VALUE or gate.NAME=VALUE", fix="See params.yaml for the names."
        )
    changed: dict[str, Any] = dict(groups)
    place = changed
    for folder in folders:
        if not isinstance(place.get(folder), dict):
            raise ParamsError(f"--set {setting}: there is no {dotted}", expected="a parameter", fix="See params.yaml.")
        place[folder] = dict(place[folder])
        place = place[folder]
    if leaf not in place:
        raise ParamsError(f"--set {setting}: there is no {dotted}", expected="a parameter", fix="See params.yaml.")
    try:
        place[leaf] = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise ParamsError(f"--set {setting}", expected="a value as in params.yaml", fix="Quote it.") from err
    if isinstance(place[leaf], int) and isinstance(_old(groups, folders, leaf), float):
        place[leaf] = float(place[leaf])
    return changed


def _old(groups: Mapping[str, Any], folders: Sequence[str], leaf: str) -> Any:
    place: Any = groups
    for folder in folders:
        place = place[folder]
    return place[leaf]
