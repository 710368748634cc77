"""The guardrails: what every module of this folder lists in GUARDRAILS."""

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from pipeline.gate import guardrails
from pipeline.gate.guardrail import Case, Gate, Guardrail, Lane


@cache
def all_guardrails() -> tuple[Guardrail, ...]:
    """Return the guardrails, in the order in which records and pages list them.

    Raises:
        ValueError: two have the same name.
    """
    names = sorted(each.name for each in pkgutil.iter_modules(guardrails.__path__) if each.name != "registry")
    modules = [importlib.import_module(f"{guardrails.__name__}.{name}") for name in names]
    found: list[Guardrail] = [guardrail for module in modules for guardrail in module.GUARDRAILS]
    repeated = {each.name for each in found if sum(other.name == each.name for other in found) > 1}
    if repeated:
        raise ValueError(f"several guardrails are called {min(repeated)}")
    return tuple(sorted(found, key=lambda guardrail: guardrail.place))


def named(names: Iterable[str]) -> tuple[Guardrail, ...]:
    """Return the guardrails of some names, in the order of `all_guardrails`.

    Raises:
        ValueError: there is no guardrail of a name.
    """
    wanted = set(names)
    unknown = sorted(wanted - {guardrail.name for guardrail in all_guardrails()})
    if unknown:
        raise ValueError(f"this code has no guardrail {unknown[0]!r}")
    return tuple(guardrail for guardrail in all_guardrails() if guardrail.name in wanted)


def lane_gates(rule: Iterable[Guardrail], lane: Lane, case: Case) -> tuple[Gate, ...]:
    """Return the outcomes of the guardrails of a lane that apply to a case."""
    found = (guardrail.gate(case) for guardrail in rule if lane in guardrail.lanes)
    return tuple(gate for gate in found if gate is not None)


def limit_gates(rule: Iterable[Guardrail], case: Case) -> tuple[Gate, ...]:
    """Return the outcomes of the absolute limits of a recipe's own cost, of `case.challenger`."""
    found = (guardrail.gate(case) for guardrail in rule if guardrail.kind == "limit")
    return tuple(gate for gate in found if gate is not None)
