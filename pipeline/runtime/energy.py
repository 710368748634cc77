"""Energy of CPU time, by CodeCarbon's readers and tables, offline."""

import logging
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from pipeline.metrics.cost import EnergyProvenance

RAPL_FOLDER = Path("/sys/class/powercap/intel-rapl/subsystem")
DEFAULT_WATTS_PER_THREAD = 4.0
"""CodeCarbon's default for a CPU that it has no figure for [W]."""
_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class PowerModel:
    """How a machine's energy is told.

    Attributes:
        provenance: `measured` where the CPU's energy counters (RAPL) can be read, `estimated` where its thermal design
            power is known, else `constant`.
        watts_per_cpu_second: power of a busy hardware thread [W]: the thermal design power by the number of threads.
            NaN where energy is measured. Too high in a virtual machine that sees a few threads of a large CPU.
    """

    provenance: EnergyProvenance
    watts_per_cpu_second: float

    def energy_kwh(self, cpu_seconds: float) -> float:
        """Energy [kWh] of CPU time, in proportion to utilisation."""
        return self.watts_per_cpu_second * cpu_seconds / 3.6e6


@lru_cache(maxsize=1)
def power_model() -> PowerModel:
    """This machine's, found once a process (about a second, spent before anything is metered)."""
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
    """Thermal design power [W] of a CPU by its name, from CodeCarbon's table; None for one that is not in it."""
    from codecarbon.core.cpu import TDP

    class Table(TDP):  # type: ignore[misc]  # CodeCarbon ships no types
        """Only the lookup: TDP() itself would ask py-cpuinfo for the name, which takes a second."""

        def __init__(self) -> None:
            pass

    watts = Table()._get_cpu_power_from_registry(cpu) if cpu else None
    return None if watts is None else float(watts)


class EnergyCounter(Protocol):
    """Cumulative energy of the machine's CPU packages."""

    def measure_power_and_energy(self, last_duration: float) -> tuple[Any, Any]:
        """Power and energy since the last call, as CodeCarbon's units."""
        ...


def start_counter(folder: Path = RAPL_FOLDER) -> EnergyCounter:
    """CodeCarbon's RAPL reader, counting from now."""
    from codecarbon.external.hardware import CPU

    counter: Any = CPU(output_dir="", mode="intel_rapl", model="", tdp=0, rapl_dir=str(folder))
    counter.start()
    started: EnergyCounter = counter
    return started


def counted_kwh(counter: EnergyCounter, *, seconds: float, share: float) -> float:
    """A share of the energy [kWh] that the packages took since the counter was started or last read.

    The packages serve all processes; `share` is the part of the machine's busy CPU time that was ours.
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
