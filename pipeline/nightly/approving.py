"""A promotion that waits for a person: the question, and the answer, with a name and a reason."""

from typing import Any

from pipeline.errors import ParamsError
from pipeline.gate.decision import Waiting
from pipeline.gate.record_reader import parse_record
from pipeline.gate.spending import Approval
from pipeline.gate.wording import money, percent
from pipeline.nightly.dvc import Report
from pipeline.nightly.replay import read_record
from pipeline.nightly.running import run_night
from pipeline.params.economics import EconomicsParams
from pipeline.settings import Settings
from pipeline.stages.context import open_context
from pipeline.state.ledger import add_approval
from pipeline.storage.json_files import read_json


def question(settings: Settings) -> tuple[Waiting, str]:
    """Return the promotion that the open night asks about, and the question in words.

    Raises:
        ParamsError: nothing waits for approval.
        RecordError, TableError: the decision is missing or was changed.
    """
    record = parse_record(read_record(open_context(settings, acting=False).layout.decision))
    if record.approval is None:
        raise ParamsError(
            f"no promotion waits for approval: {record.verdict} in the night of {record.as_of}",
            expected="a night with gate.approval: promote whose challenger passes",
            fix="See netgain explain.",
        )
    return record.approval, asked(record.approval, record.champion, record.economics)


def asked(waiting: Waiting, champion: str, economics: EconomicsParams) -> str:
    """Return the question in words.

    Examples:
        >>> from pathlib import Path
        >>> from pipeline.configuration import load_params
        >>> economics = load_params(Path("params.yaml")).economics
        >>> print(asked(Waiting("als", 900.0, 0.93, 12.0, 17.0), "popular", economics))
        als over popular: it pays with a probability of 93 %.
        Expected net benefit over 90 days: +900 EUR. Knowing for certain first would be worth 12 EUR.
        A night of waiting is expected to cost 17 EUR.
    """
    expected = money(waiting.expected, economics, sign=True)
    lines = [
        f"{waiting.recipe} over {champion}: it pays with a probability of "
        f"{percent(waiting.probability_of_benefit, digits=0)}.",
        f"Expected net benefit over {economics.horizon_days} days: {expected}. Knowing for certain first would be "
        f"worth {money(waiting.perfect_information, economics)}.",
        f"A night of waiting is expected to cost {money(waiting.cost_of_a_night, economics)}.",
    ]
    if waiting.answer is not None:
        said = "approved" if waiting.answer.granted else "refused"
        lines.append(f"{waiting.answer.by} has {said} it: {waiting.answer.reason}")
    return "\n".join(lines)


def answer(settings: Settings, *, by: str, reason: str, granted: bool, report: Report) -> dict[str, Any]:
    """Record the answer to the open night's promotion and carry it out: the night is run again from its decision on.

    Args:
        by: who answers.
        reason: why.
        granted: whether the challenger is promoted.

    Returns:
        The night's facts.

    Raises:
        ParamsError: nothing waits for approval, or there is no name or reason.
    """
    waiting, _ = question(settings)
    for name, value in (("--by", by), ("--reason", reason)):
        if not value.strip() or "\n" in value:
            raise ParamsError(f"{name} {value!r}", expected="a line of text", fix="An answer is signed and explained.")
    context = open_context(settings)
    landing = read_json(context.layout.landing)
    add_approval(settings.state, context.as_of, Approval(waiting.recipe, by.strip(), reason.strip(), granted))
    logs = settings.workspace / landing["root"]
    return run_night(settings, as_of=context.as_of, log_format=landing["format"], logs=logs, report=report)
