"""Addresses are no folders: every place where a folder is named refuses them, without their passwords."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import typer

from pipeline.cli.app import app
from pipeline.errors import SettingsError, ValidationFailed
from pipeline.places import local_path
from pipeline.recommenders.row_bounds import MOST_ENTRIES, row_bounds
from pipeline.settings import load_settings

FOLDERS = ("LANDING", "RELEASES", "LEDGER", "REPORTS", "DATASETS")


def commands(of: typer.Typer = app):
    yield from (each.callback for each in of.registered_commands)
    for group in of.registered_groups:
        yield from commands(group.typer_instance)


@pytest.mark.parametrize("address", ["s3://ann:secret@bucket/x", "gs://b", "file:///x", "HDFS://name/x", "s3:/bucket"])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_setting_that_needs_a_folder_refuses_an_address(name, address, tmp_path):
    if name == "RELEASES" and address == "file:///x":
        pytest.skip("releases may be there")
    with pytest.raises(SettingsError, match=f"NETGAIN_{name} is an address") as refused:
        load_settings({f"NETGAIN_{name}": address}, workspace=tmp_path)
    assert "secret" not in str(refused.value)


def test_an_empty_setting_is_an_unset_one(tmp_path):
    empty = {f"NETGAIN_{name}": "" for name in (*FOLDERS, "MLFLOW_URI", "SPARK_MASTER", "ENGINE")}
    assert load_settings(empty, workspace=tmp_path) == load_settings({}, workspace=tmp_path)


def test_every_path_of_every_command_refuses_an_address():
    n_paths = 0
    for command in commands():
        # A choice of Path, an optional one, or one with an Annotated around it: what matters is the value.
        for name, parameter in inspect.signature(command).parameters.items():
            if "Path" not in str(parameter.annotation):
                continue
            n_paths += 1
            with pytest.raises(SettingsError, match="is an address, s3://"):
                command(**{name: Path("s3://bucket/x")})
    assert n_paths >= 15


@pytest.mark.parametrize("path", ["releases", "/data/releases", "./s3:/x", "2026:/x", "C:/x", "a/s3://b"])
def test_paths_stay_paths(path):
    assert local_path(path, named="it") == Path(path)


def test_a_database_of_postgresql_gets_the_driver_of_the_lock(tmp_path):
    for scheme in ("postgres", "postgresql"):
        there = load_settings({"NETGAIN_MLFLOW_URI": f"{scheme}://ann@host/mlflow"}, workspace=tmp_path)
        assert there.mlflow_uri == "postgresql+psycopg://ann@host/mlflow"


def test_a_matrix_of_more_entries_than_32_bits_count_is_refused_instead_of_wrapped():
    assert row_bounds([MOST_ENTRIES - 1, 1])[-1] == MOST_ENTRIES
    with pytest.raises(ValidationFailed, match=f"{MOST_ENTRIES + 1:,} entries"):
        row_bounds(np.array([MOST_ENTRIES, 1]))
