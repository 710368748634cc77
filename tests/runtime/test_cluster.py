"""What a driver's log tells of its executors, and the line that a user gets for it."""

import pytest

from pipeline.errors import SettingsError, SparkLost
from pipeline.runtime.cluster import cluster_conf, require_cluster
from pipeline.runtime.executors_alive import ExecutorLog
from pipeline.runtime.preflight import no_executor
from pipeline.settings import load_settings

# As Spark 4.3 writes them.
GRANTED = "26/11/28 15:56:30 INFO StandaloneSchedulerBackend: Granted executor ID app-1/0 on hostPort b:1"
REGISTERED = "26/11/28 15:57:27 INFO D: Registered executor NettyRpcEndpointRef(x) (b:3) with ID 0, ResourceProfileId 0"
LOST = "26/11/28 15:59:00 ERROR TaskSchedulerImpl: Lost executor 0 on 10.231.77.2: worker lost"
REFUSED = "26/11/28 16:12:24 ERROR TransportClientFactory: Exception while bootstrapping client after 104 ms"
GIVEN_UP = "26/11/28 16:12:44 ERROR B: Application has been killed. Reason: All masters are unresponsive! Giving up."


def read(tmp_path, *lines: str) -> ExecutorLog:
    path = tmp_path / "spark.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    log = ExecutorLog(path)
    log.read_on()
    return log


@pytest.fixture
def settings(tmp_path):
    given = {"NETGAIN_SPARK_MASTER": "spark://127.0.0.1:9", "NETGAIN_SPARK_SECRET": "s" * 16}
    return load_settings(given | {"NETGAIN_SPARK_DRIVER_HOST": "10.0.0.7"}, workspace=tmp_path)


def test_executors_are_alive_from_their_registration_to_their_loss(tmp_path):
    log = read(tmp_path, GRANTED, REGISTERED)
    assert (log.granted, log.alive) == (True, {"0"})
    with log.path.open("a") as file:
        file.write(f"{LOST}\n26/11/28 a line that is not yet who")
    log.read_on()
    assert log.alive == set()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((GRANTED,), r"executors start but do not reach the driver at 10\.0\.0\.7"),
        ((REFUSED, GIVEN_UP), "the master did not accept this driver: .*unresponsive"),
        ((GRANTED, REGISTERED), "executors came up, but did not answer within 30 s"),
        ((), "the master gave no executor within 30 s"),
    ],
)
def test_the_cause_is_named(tmp_path, settings, lines, said):
    with pytest.raises(SparkLost, match=said):
        raise no_executor(read(tmp_path, *lines), settings)


def test_a_master_that_is_away_or_open_to_all_or_unknown_is_refused_before_a_jvm_starts(tmp_path, settings):
    with pytest.raises(SparkLost, match=r"no Spark master can be reached \(127\.0\.0\.1:9"):
        require_cluster(settings)
    for master, said in (("spark://a:7077", "without a secret"), ("mesos://a:5050", "NETGAIN_SPARK_MASTER = 'mesos")):
        with pytest.raises(SettingsError, match=said):
            require_cluster(load_settings({"NETGAIN_SPARK_MASTER": master}, workspace=tmp_path))
    with pytest.raises(SettingsError, match="NETGAIN_SPARK_SECRET of 5 bytes"):
        load_settings({"NETGAIN_SPARK_SECRET": "short"}, workspace=tmp_path)


def test_a_local_driver_stays_on_loopback_whatever_is_set_for_clusters(tmp_path, settings):
    given = {"NETGAIN_SPARK_DRIVER_HOST": "10.0.0.7", "NETGAIN_SPARK_DRIVER_BIND": "0.0.0.0"}
    local = cluster_conf(load_settings(given, workspace=tmp_path))
    assert local == {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    remote = cluster_conf(settings)
    assert (remote["spark.driver.host"], remote["spark.authenticate"]) == ("10.0.0.7", "true")
    assert not any("s" * 16 in value for value in remote.values())
