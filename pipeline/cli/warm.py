"""The program of the warm process: `netgain stage X` in a fork that has its libraries already."""

import sys

from pipeline.runtime.warm_server import WarmServer

LIBRARIES = (
    "pipeline.cli.app",
    "pipeline.effects.perform",
    "pipeline.stages.prepare",
    "great_expectations.expectations",
    "pipeline.stages.split",
    "pipeline.runtime.spark_session",
    "pyspark.sql.connect.session",
    "pyspark.sql.connect.functions",
    "pipeline.stages.fit",
    "pyspark.ml.recommendation",
    "implicit.cpu.als",
    "pipeline.stages.evaluate",
    "pipeline.stages.recommend",
)
"""In the order in which a night needs them. Not `pipeline.logs`: it starts the threads of polars."""


def main() -> None:
    """Serve until SIGTERM; each fork runs the command that it was asked for and ends like any other process."""
    request = WarmServer(libraries=LIBRARIES).serve()
    if request is not None:
        from pipeline.cli.app import main as run

        sys.argv = ["netgain", *request.argv]
        run()
