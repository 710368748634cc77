"""What experiments had shown before a night, under the recipes of today."""

import datetime as dt
from pathlib import Path
from typing import Any

from pipeline.gate.live import live_of
from pipeline.nightly.taught import taught
from pipeline.online.running import Running
from pipeline.params.experiments import Experiment
from pipeline.state.experiments import enter
from tests.online.test_worth import result

NIGHT = dt.date(2026, 3, 1)


def left(definition: str, **more: Any) -> Running:
    declared = Experiment.model_validate({"design": "split", "recipe": "als", "share": 0.5})
    return Running(
        id="split-1", name="split-1", declared=declared, opened=NIGHT, until=NIGHT, salt="s", id_key="k",
        definition=definition, control_recipe="popular", control_definition="p", **more,
    )  # fmt: skip


def test_results_of_earlier_nights_name_recipes_that_have_changed_by_their_old_definition(tmp_path: Path) -> None:
    shown = result(id="split-1", design="split")
    enter(tmp_path, NIGHT, [(left("0123456789abcdef", drawn_anew=True), shown)])
    later = NIGHT + dt.timedelta(days=1)
    assert taught(tmp_path, as_of=NIGHT, definition_of={}.get) == []
    (same,) = taught(tmp_path, as_of=later, definition_of={"als": "0123456789abcdef", "popular": "p"}.get)
    assert same == shown
    (other,) = taught(tmp_path, as_of=later, definition_of={"als": "another", "popular": "p"}.get)
    assert [arm.recipe for arm in other.arms] == ["popular", "als@01234567"]
    assert other.effect == shown.effect


def test_an_experiment_that_was_closed_early_proves_no_gain(tmp_path: Path) -> None:
    shown = result(id="split-1", design="split", effect=0.05)
    enter(tmp_path, NIGHT, [(left("d", closing="ann closed it: seen enough"), shown)])
    (found,) = taught(tmp_path, as_of=NIGHT + dt.timedelta(days=1), definition_of={"als": "d", "popular": "p"}.get)
    live = live_of("als", "popular", [found])
    assert live is not None
    assert not live.shows_gain(0.005)
    assert live.effect == 0.05
