"""The belief about ε after experiments, compared with an independent integration and with planted truths."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import lognorm, norm

from pipeline.configuration import load_params
from pipeline.online.evsi import evsi, evsi_of_split
from pipeline.online.results import ArmResult, ExperimentResult
from pipeline.online.worth import Lesson, effect_variance, learn, learned, lessons

CARD = load_params(Path("params.yaml")).economics
PRIOR = CARD.elasticity
SIGMA = math.log(PRIOR.high / PRIOR.low) / (2 * norm.ppf(0.95))


def result(**changes):
    arms = tuple(
        ArmResult(name=name, recipe=recipe, share=0.5, assigned=500, exposed=400)
        for name, recipe in (("control", "popular"), ("treatment", "als"))
    )
    figures = {
        "id": "holdback-1",
        "design": "holdback",
        "state": "ended",
        "control": "control",
        "treatment": "treatment",
        "arms": arms,
        "offline_gain": 0.8,
        "offline_gain_se": 0.01,
        "effect": 0.03,
        "effect_se": 0.004,
        "effect_df": 1e9,
        "listeners": 800,
        "days": 28,
    }
    return ExperimentResult(**(figures | changes))


def test_without_an_experiment_the_belief_is_the_prior_and_nothing_changes():
    found = learn(CARD, [])
    assert (found.median, found.low, found.high, found.provenance) == (0.05, 0.01, 0.25, "published")
    assert found.interval == pytest.approx(lognorm(SIGMA, scale=0.05).ppf([0.025, 0.975]), rel=1e-3)
    assert learned(CARD, found) is CARD


def test_the_posterior_is_that_of_an_independent_integration():
    """τ is next to nothing, so that ε alone is unknown and one integral gives its distribution."""
    card = CARD.model_copy(update={"unexplained_sd": 1e-9})
    lesson = Lesson(0.03, 0.004**2, math.log(1.8), 0.05**2, 1000, "a")

    def density(elasticity):
        sd = math.hypot(0.004, elasticity * 0.05)
        return lognorm(SIGMA, scale=0.05).pdf(elasticity) * norm.pdf(0.03, elasticity * math.log(1.8), sd)

    total = quad(density, 0, 1, points=[0.05])[0]
    found = learn(card, [lesson])
    for value, wanted in ((found.low, 0.05), (found.median, 0.5), (found.high, 0.95), (found.interval[1], 0.975)):
        assert quad(density, 0, value, points=[0.05])[0] / total == pytest.approx(wanted, abs=2e-3)


def test_many_exact_experiments_find_the_slope_whatever_was_believed():
    taught = [Lesson(0.2 * x, 1e-8, x, 0.0, 10, str(x)) for x in (0.1, 0.5, 1.0)]
    found = learn(CARD, taught)
    assert found.median == pytest.approx(0.2, rel=0.02)
    assert found.low < 0.2 < found.high
    assert (found.listeners, found.experiments) == (30, ("0.1", "0.5", "1.0"))


def test_the_belief_covers_the_truth_as_often_as_it_says():
    """The truth is drawn from what is believed, as in simulation-based calibration; experiments are drawn from it."""
    rng, covered, n = np.random.default_rng(7), 0, 200
    for _ in range(n):
        elasticity = 0.05 * math.exp(SIGMA * rng.standard_normal())
        unexplained = CARD.unexplained_sd * abs(rng.standard_normal())
        taught = []
        for j in range(4):
            gain = rng.uniform(0.05, 1.5)
            measured, se = gain + rng.normal(0, 0.02), rng.uniform(0.003, 0.01)
            effect = elasticity * math.log1p(gain) + rng.normal(0, unexplained) + rng.normal(0, se)
            taught.append(Lesson(effect, se**2, math.log1p(measured), (0.02 / (1 + measured)) ** 2, 1, str(j)))
        low, high = learn(CARD, taught).interval
        covered += low <= elasticity <= high
    assert 0.93 <= covered / n <= 0.97


def test_what_teaches_is_a_valid_effect_with_a_known_gain():
    assert len(lessons([result()])) == 1
    for nothing in (
        {"state": "invalid"},
        {"effect": None},
        {"effect_se": None},
        {"offline_gain": None},
        {"offline_gain_se": None},
        {"offline_gain": -1.0},
    ):
        assert lessons([result(**nothing)]) == ()
    (lesson,) = lessons([result(offline_gain=1.0, offline_gain_se=0.1)])
    assert lesson.log_gain == math.log(2)
    assert lesson.log_gain_variance == pytest.approx(0.05**2)


def test_few_degrees_of_freedom_widen_the_error():
    assert effect_variance(result(effect_df=10.0)) == pytest.approx(0.004**2 * 10 / 8)
    assert effect_variance(result(effect_df=None)) == 0.004**2
    assert effect_variance(result(effect_df=1.0)) == pytest.approx(0.004**2 * 2)


def test_the_value_of_a_split_is_that_of_simulated_results():
    rng, mean, sd, se, scale, cost = np.random.default_rng(3), 0.002, 0.01, 0.006, 1e5, 400.0
    truth = rng.normal(mean, sd, 400_000)
    seen = truth + rng.normal(0, se, len(truth))
    after = scale * (mean + sd**2 / (sd**2 + se**2) * (seen - mean)) - cost
    simulated = np.maximum(after, 0).mean() - max(scale * mean - cost, 0)
    assert evsi_of_split(mean, sd, scale=scale, cost=cost, se=se) == pytest.approx(simulated, rel=0.02)
    assert evsi(scale * truth - cost, seen) == pytest.approx(simulated, rel=0.03)


def test_an_experiment_is_worth_at_most_certainty_and_one_without_data_nothing():
    rng = np.random.default_rng(4)
    benefits = rng.normal(50, 100, 20_000)
    certainty = np.maximum(benefits, 0).mean() - 50
    assert evsi(benefits, benefits) == pytest.approx(certainty, rel=0.06)
    assert evsi(benefits, rng.standard_normal(20_000)) < 0.02 * certainty
    assert evsi(benefits, np.zeros(20_000)) == 0
    assert evsi_of_split(0.01, 0.01, scale=100.0, cost=1.0, se=1e9) == pytest.approx(0, abs=1e-6)
    assert evsi_of_split(0.01, 0.01, scale=0.0, cost=1.0, se=0.1) == 0
