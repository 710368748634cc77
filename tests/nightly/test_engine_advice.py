"""A small night says what it would save without Spark; other nights do not."""

import dataclasses

from pipeline.nightly.engine_advice import START_CPU_SECONDS, engine_advice
from pipeline.settings import load_settings

FAMILIES = {"als": "als", "pop": "popular", "wide": "spark_als"}


def rows(**seconds: float) -> list[dict]:
    return [{"recipe": name, "cpu_seconds": cpu} for name, cpu in seconds.items()]


def test_a_small_night_names_the_seconds_of_the_start(tmp_path):
    said = engine_advice(load_settings({}, workspace=tmp_path), FAMILIES, rows(als=3.0, pop=1.0))
    assert said is not None
    assert "about 12 s of CPU a night: the fits that it shares out take 4 s" in said


def test_a_recipe_that_needs_spark_is_named_with_what_it_costs(tmp_path):
    said = engine_advice(load_settings({}, workspace=tmp_path), FAMILIES, rows(als=3.0, wide=15.0))
    assert said is not None
    assert "a params.yaml without wide, which saves 15 s more" in said


def test_long_fits_other_engines_and_clusters_have_no_advice(tmp_path, monkeypatch):
    settings = load_settings({}, workspace=tmp_path)
    small = rows(als=3.0)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1})
    assert engine_advice(settings, FAMILIES, rows(als=2 * START_CPU_SECONDS + 1)) is None
    assert engine_advice(dataclasses.replace(settings, engine="inprocess"), FAMILIES, small) is None
    assert engine_advice(dataclasses.replace(settings, spark_master="spark://a:7077"), FAMILIES, small) is None
    assert engine_advice(settings, FAMILIES, small) is not None
