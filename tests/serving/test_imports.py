"""A worker that looks answers up loads no library for tables, models or nights."""

import subprocess
import sys

HEAVY = (
    "polars", "pyarrow", "numpy", "scipy", "pandas", "numba", "sqlalchemy", "pyspark", "mlflow", "dvc",
    "great_expectations", "airflow",
)  # fmt: skip


def test_the_server_imports_nothing_heavy() -> None:
    code = (
        "import sys, pipeline.serving.app, pipeline.serving.run, pipeline.identity.erased\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
