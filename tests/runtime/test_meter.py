import math
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from pipeline.runtime.energy import PowerModel, counted_kwh, power_model, start_counter, thermal_design_power
from pipeline.runtime.meter import CostMeter

MIB = 2**20


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def burning_child(seconds):
    code = f"import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"
    return [sys.executable, "-c", code]


def wait_for_cpu(child, seconds):
    """Wait until a child has used this much more CPU time, however busy the machine is."""
    process = psutil.Process(child.pid)
    target = process.cpu_times().user + seconds
    while process.cpu_times().user < target:
        time.sleep(0.02)


@pytest.fixture(autouse=True, scope="module")
def _warm():
    with CostMeter():  # the machine's power model is determined once
        pass


def test_cpu_time_of_this_process_is_counted():
    with CostMeter() as meter:
        burn(0.3)
    assert 0.28 <= meter.cost().cpu_seconds <= 0.5
    assert meter.cost().wall_seconds >= 0.28


def test_sleep_costs_wall_time_and_almost_no_cpu_time():
    with CostMeter() as meter:
        time.sleep(0.3)
    assert meter.cost().cpu_seconds < 0.1
    assert meter.cost().wall_seconds >= 0.28


def test_a_finished_child_is_counted():
    with CostMeter() as meter:
        subprocess.run(burning_child(0.3), check=True)
    assert meter.cost().cpu_seconds >= 0.28


def test_a_running_child_is_counted():
    with CostMeter() as meter:
        child = subprocess.Popen(burning_child(30))
        wait_for_cpu(child, 0.2)
    child.kill()
    child.wait()
    assert meter.cost().cpu_seconds >= 0.19


def test_a_process_outside_the_tree_is_counted_if_it_is_named():
    child = subprocess.Popen(burning_child(30))
    try:
        with CostMeter(roots=[child.pid]) as alone:
            wait_for_cpu(child, 0.2)
        with CostMeter(roots=[2**22 + 1], extra_pids=[child.pid]) as extra:  # a root that has ended costs nothing
            wait_for_cpu(child, 0.2)
    finally:
        child.kill()
        child.wait()
    assert alone.cost().cpu_seconds >= 0.19  # the clock ticks in hundredths
    assert extra.cost().cpu_seconds >= 0.19


def test_peak_memory_includes_a_short_lived_array():
    with CostMeter() as meter:
        before = meter._peak
        block = np.ones(200 * MIB, dtype=np.uint8)
        del block
    assert meter.cost().peak_rss_bytes >= max(before, 200 * MIB)


def test_peak_memory_counts_children():
    held = "import time; block = bytearray(b'x' * (150 << 20)); time.sleep(0.6)"
    with CostMeter() as alone:
        time.sleep(0.1)
    with CostMeter() as meter:
        subprocess.run([sys.executable, "-c", held], check=True)
    assert meter.cost().peak_rss_bytes - alone.cost().peak_rss_bytes > 100 * MIB


def test_counts_that_the_caller_gives_are_kept_and_the_others_are_undefined():
    with CostMeter() as meter:
        time.sleep(0.1)
    cost = meter.cost(model_bytes=7, n_scored=100)
    assert (cost.model_bytes, cost.n_scored) == (7, 100)
    assert cost.scored_per_second == pytest.approx(100 / cost.wall_seconds)
    bare = meter.cost()
    assert bare.model_bytes is None
    assert bare.n_scored is None
    assert math.isnan(bare.scored_per_second)


def test_an_error_in_the_block_is_not_swallowed():
    with pytest.raises(ZeroDivisionError), CostMeter():
        _ = 1 / 0


def test_metering_takes_less_than_a_second():
    start = time.perf_counter()
    for _ in range(5):
        with CostMeter():
            pass
    assert (time.perf_counter() - start) / 5 < 0.5


def test_energy_is_power_times_cpu_time_with_its_provenance():
    assert PowerModel("estimated", 10.0).energy_kwh(3600.0) == pytest.approx(0.010)
    model = power_model()
    assert model.provenance in ("measured", "estimated", "constant")
    with CostMeter() as meter:
        burn(0.1)
    cost = meter.cost()
    assert cost.energy_provenance == model.provenance
    assert cost.energy_kwh > 0
    if model.provenance != "measured":
        assert cost.energy_kwh == pytest.approx(model.energy_kwh(cost.cpu_seconds))


def test_a_known_cpu_has_its_thermal_design_power_and_an_unknown_one_none():
    assert thermal_design_power("AMD EPYC 7763 64-Core Processor") == 280.0
    assert thermal_design_power("No Such Processor 9000 Z") is None
    assert thermal_design_power("") is None


def test_energy_counters_are_read_if_the_machine_has_them(tmp_path):
    package = tmp_path / "intel-rapl" / "intel-rapl:0"
    package.mkdir(parents=True)
    for name, value in {"name": "package-0", "energy_uj": "1000000", "max_energy_range_uj": "262143328850"}.items():
        (package / name).write_text(value)
    counter = start_counter(tmp_path / "intel-rapl")
    (package / "energy_uj").write_text("7201000000")
    assert counted_kwh(counter, seconds=1.0, share=0.5) == pytest.approx(7.2e9 / 3.6e12 * 0.5)


def test_nothing_is_printed_written_or_sent(tmp_path):
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from pipeline.runtime.meter import CostMeter\n"
        "with CostMeter() as meter: sum(range(100000))\n"
        "assert meter.cost().energy_kwh >= 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
