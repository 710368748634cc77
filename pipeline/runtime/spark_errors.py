"""Distinguish the loss of Spark, where a retry may succeed, from the failure of a task."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import SparkLost

# Messages of Spark about lost executors and their shuffle files, and of gRPC and Py4J about a JVM that has ended.
_LOSS = re.compile(
    r"ExecutorLostFailure|ExecutorDeadException|FetchFailedException|MetadataFetchFailed|executor \S+ exited"
    r"|StatusCode\.UNAVAILABLE|Answer from Java side is empty|Error while sending or receiving"
    r"|Connection refused|Connection reset"
)


@contextmanager
def loss_is_told() -> Iterator[None]:
    """Translate errors of the block that mean that Spark is gone into `SparkLost`; others pass unchanged.

    Raises:
        SparkLost: the server or an executor was lost.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as err:
        lost = _LOSS.search(str(err)) or isinstance(err, ConnectionError)
        if not lost:
            raise
        raise SparkLost(
            f"Spark went away: {' '.join(str(err).split())[:200]}",
            expected="a server and executors that outlive the work",
            fix="Run it again; if it repeats, see .netgain/spark.log and give it more memory: NETGAIN_SPARK_GIB.",
        ) from err
