"""Spark that went away under a task, told apart from a task that failed: the one may pass when it is tried again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import SparkLost

# What Spark says of executors that were lost and of shuffles that went with them; what gRPC and Py4J say of a JVM that
# is gone.
_LOSS = re.compile(
    r"ExecutorLostFailure|ExecutorDeadException|FetchFailedException|MetadataFetchFailed|executor \S+ exited"
    r"|StatusCode\.UNAVAILABLE|Answer from Java side is empty|Error while sending or receiving"
    r"|Connection refused|Connection reset"
)


@contextmanager
def loss_is_told() -> Iterator[None]:
    """Around work in a session: an error that says that Spark is gone becomes a `SparkLost`.

    Raises:
        SparkLost: the server or an executor went away.
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
