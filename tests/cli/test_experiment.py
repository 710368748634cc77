"""`netgain experiment` and the page: what people ask for, what is refused in one line, and what they read."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipeline.cli import experiment
from pipeline.errors import ParamsError
from pipeline.online.results import ArmResult, ExperimentResult, HarmBound, Power, State
from pipeline.params.experiments import Experiment
from pipeline.reports.experiments import render_experiments
from pipeline.settings import load_settings
from pipeline.state.experiments import enter, latest_results, tonights
from tests.workspace import ROOT

BY = {"by": "ann", "reason": "to know"}
NIGHT = dt.date(2026, 2, 1)
DECLARED = {"design": "split", "recipe": "als", "share": 0.5}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values["experiments"] = {"tempo": DECLARED}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def result(state: State, **changes: object) -> ExperimentResult:
    arms = [ArmResult(name=n, recipe=r, share=0.5, assigned=900, exposed=800) for n, r in
            (("control", "knn"), ("treatment", "als"))]  # fmt: skip
    made = ExperimentResult(
        id="tempo", design="split", state=state, control="control", treatment="treatment", arms=tuple(arms),
        effect=0.04, effect_se=0.01, effect_df=500.0, listeners=1600, days=14, srm_p=0.4, treated_days=11_200,
        harm=(HarmBound(figure="plays", effect=0.04, upper=0.09, limit=0.0),),
        power=Power(detectable=0.025, at_end=0.02, for_effect=0.26, effect=0.01),
    )  # fmt: skip
    return made.model_copy(update=changes)


def left(workspace: Path, found: ExperimentResult) -> None:
    where, declared = load_settings().state, {"tempo": Experiment.model_validate(DECLARED)}
    running = tonights(where, declared, as_of=NIGHT, key=(b"k", "f"), definition_of=lambda _: "d")
    enter(where, NIGHT, [(running[0], found)])


def test_an_experiment_is_declared_then_asked_for_then_shown(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(command: Callable[[], None]) -> str:
        command()
        return capsys.readouterr().out

    assert "declared, not opened" in said(experiment.list_)
    assert "the next night opens tempo" in said(lambda: experiment.open_("tempo", **BY))
    assert "the next night opens it" in said(experiment.list_)
    left(workspace, result("running"))
    shown = said(lambda: experiment.show("tempo"))
    # 1.9647 standard errors: Student's quantile with 500 degrees of freedom.
    assert "treatment against control: +4.00% of plays (95 % interval +2.04% to +5.96%)" in shown
    for line in ("sample ratio", "800 of 900 assigned", "at best +9.00%", "2.50% (80 % power", "11,200"):
        assert line in shown
    assert "the next night ends tempo" in said(lambda: experiment.close("tempo", **BY))


def test_slips_are_refused_in_one_line(workspace: Path) -> None:
    for command in (experiment.open_, experiment.close):
        with pytest.raises(ParamsError, match="no experiment speed"):
            command("speed", **BY)
    with pytest.raises(ParamsError, match="no experiment tempo has run"):
        experiment.show("tempo")
    experiment.open_("tempo", **BY)
    left(workspace, result("running"))
    with pytest.raises(ParamsError, match="has been opened before"):
        experiment.open_("tempo", **BY)


def test_the_page_of_an_invalid_experiment_says_why_and_shows_no_effect(workspace: Path) -> None:
    experiment.open_("tempo", **BY)
    left(workspace, result("invalid", effect=None, effect_se=None, why="its arms lack listeners"))
    page = render_experiments(latest_results(load_settings().state))
    assert "INVALID: its arms lack listeners. No figure of it counts." in page
    assert "4.00% of plays" not in page
    assert page == render_experiments(latest_results(load_settings().state))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"design": "a/b"}, "holdback"),
        ({"share": 0}, "greater"),
        ({"recipe": None}, "needs a recipe"),
        ({"recipe": "alss"}, "no recipe of params.yaml"),
        ({"design": "holdback"}, "takes no recipe"),
        ({"end": "tomorrow"}, "isoformat"),
        ({"nigths": 3}, "extra"),
    ],
)
def test_a_faulty_declaration_is_one_line(workspace: Path, change: dict[str, object], says: str) -> None:
    path = workspace / "params.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["experiments"]["tempo"] |= change
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(ParamsError, match=says):
        experiment.list_()
