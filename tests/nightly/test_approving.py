"""`netgain approve` asks about the night's promotion, and about nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.errors import ParamsError
from pipeline.gate.spending import History
from pipeline.nightly.approving import answer, question
from pipeline.settings import Settings, load_settings
from pipeline.stages.champion import write_champion
from pipeline.stages.layout import Layout
from pipeline.storage.json_files import write_json
from tests.gate import made_records
from tests.gate.made_records import FULL
from tests.gate.test_approval import RICH, made

ROOT = Path(__file__).resolve().parents[2]


def workspace(root: Path, record: dict[str, Any]) -> Settings:
    layout = Layout(root)
    (root / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    layout.night.parent.mkdir()
    layout.night.write_text(yaml.safe_dump({"as_of": record["as_of"]}), encoding="utf-8")
    write_champion(layout.champion, None)
    write_json(layout.decision, record)
    return load_settings({}, workspace=root)


def test_the_question_says_the_chance_the_worth_of_certainty_and_the_cost_of_a_night(tmp_path: Path) -> None:
    waiting, text = question(workspace(tmp_path, made(History())))
    assert waiting.recipe == "als"
    assert text.startswith("als over popular: it pays with a probability of 100 %.")
    assert "A night of waiting is expected to cost" in text


def test_where_nothing_waits_it_says_so_in_one_line(tmp_path: Path) -> None:
    settings = workspace(tmp_path, made_records.record(FULL, **RICH))
    with pytest.raises(ParamsError, match="no promotion waits for approval: PROMOTE"):
        question(settings)


@pytest.mark.parametrize(("by", "reason"), [("", "fine"), ("Ada", " "), ("Ada\nEve", "fine")])
def test_an_answer_without_a_name_or_a_reason_is_refused(tmp_path: Path, by: str, reason: str) -> None:
    settings = workspace(tmp_path, made(History()))
    with pytest.raises(ParamsError, match=r"--by|--reason"):
        answer(settings, by=by, reason=reason, granted=True, report=lambda *_: None)
