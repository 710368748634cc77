"""Energy of CPU time, from CodeCarbon's counters and tables; no network access."""

import logging
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from pipeline.metrics.cost import EnergyProvenance

RAPL_FOLDER = Path("/sys/class/powercap/intel-rapl/subsystem")
DEFAULT_WATTS_PER_THREAD = 4.0
"""CodeCarbon's default for a CPU that is not in its table [W]."""
_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class PowerModel:
    """How the energy of this machine is determined.

    Attributes:
        provenance: `measured` where the CPU's energy counters (RAPL) can be read, `estimated` where its thermal design
            power is known, else `constant`.
        watts_per_cpu_second: power of a busy hardware thread [W]: the thermal design power by the number of threads.
            NaN where energy is measured. Too high in a virtual machine that sees a few threads of a large CPU.
    """

    provenance: EnergyProvenance
    watts_per_cpu_second: float

    def energy_kwh(self, cpu_seconds: float) -> float:
        """Return the energy [kWh] of CPU time [s], in proportion to utilisation; NaN if energy is measured."""
        return self.watts_per_cpu_second * cpu_seconds / 3.6e6


@lru_cache(maxsize=1)
def power_model() -> PowerModel:
    """Return the power model of this machine, computed once per process.

    The first call takes about a second; make it before a measurement starts.
    """
    import psutil
    from codecarbon.core.cpu import is_rapl_available

    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
    n_threads = psutil.cpu_count() or 1
    if is_rapl_available():
        return PowerModel("measured", math.nan)
    watts = thermal_design_power(_cpu_name())
    if watts is None:
        return PowerModel("constant", DEFAULT_WATTS_PER_THREAD)
    return PowerModel("estimated", watts / n_threads)


def thermal_design_power(cpu: str) -> float | None:
    """Return the thermal design power [W] of a CPU, by its name in CodeCarbon's table; None if it is not listed."""
    from codecarbon.core.cpu import TDP

    class Table(TDP):  # type: ignore[misc]  # CodeCarbon ships no types
        """CodeCarbon's lookup without its constructor, which spends a second in py-cpuinfo to find the CPU's name."""

        def __init__(self) -> None:
            pass

    watts = Table()._get_cpu_power_from_registry(cpu) if cpu else None
    return None if watts is None else float(watts)


class EnergyCounter(Protocol):
    """A counter of the energy used by the machine's CPU packages."""

    def measure_power_and_energy(self, last_duration: float) -> tuple[Any, Any]:
        """Return power and energy since the last call, in CodeCarbon's unit types; `last_duration` in seconds."""
        ...


def start_counter(folder: Path = RAPL_FOLDER) -> EnergyCounter:
    """Return CodeCarbon's RAPL reader, started now."""
    from codecarbon.external.hardware import CPU

    counter: Any = CPU(output_dir="", mode="intel_rapl", model="", tdp=0, rapl_dir=str(folder))
    counter.start()
    started: EnergyCounter = counter
    return started


def counted_kwh(counter: EnergyCounter, *, seconds: float, share: float) -> float:
    """Return a share of the energy [kWh] used by the CPU packages since the counter was started or last read.

    Args:
        counter: from `start_counter`.
        seconds: time since then [s].
        share: this work's part [0, 1] of the machine's busy CPU time; the counter covers all processes.
    """
    _, energy = counter.measure_power_and_energy(seconds)
    return float(energy.kWh) * share


def _cpu_name() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    from codecarbon.core.util import detect_cpu_model

    return detect_cpu_model() or ""
