"""PySpark's daemon, which forks Python workers, with the kernels' libraries imported before it forks.

Set as `spark.python.daemon.module` for sessions on this machine (pipeline/runtime/spark_session.py). Workers run with
one BLAS thread, so none of these imports starts a thread that a fork would miss.
"""

import contextlib
import gc
import importlib
import sys

LIBRARIES = (
    "pyspark.worker",
    "implicit.cpu.als",
    "implicit.nearest_neighbours",
    "pipeline.stages.fit",
    "pipeline.stages.scoring",
)


def main() -> None:
    """Import, then serve as `pyspark.daemon` does, until Spark closes stdin."""
    from pyspark.daemon import manager

    # Spark reads the daemon's port from its stdout, so nothing else may be printed there.
    with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(ImportError):  # a kernel names what is missing
        for name in LIBRARIES:
            importlib.import_module(name)
        importlib.import_module("pipeline.runtime.energy").power_model()
        importlib.import_module("pipeline.recommenders.kernels").load()
    gc.freeze()
    manager()


if __name__ == "__main__":
    main()
