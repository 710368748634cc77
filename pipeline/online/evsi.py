"""What an experiment is expected to be worth before it is run: the expected value of sample information (EVSI).

EVSI = E[max(E[NB | data], 0)] − max(E[NB], 0) (Raiffa & Schlaifer 1961). It is 0 where no result could change the
decision, and at most the EVPI.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]


def evsi_of_split(mean: float, sd: float, *, scale: float, cost: float, se: float) -> float:
    """Return the EVSI of measuring an effect once with a normal error; in the unit of `scale` and `cost`.

    The effect is normal before the measurement, so that its mean afterwards is too, with standard deviation
    sd² / √(sd² + se²), and E[max(X, 0)] = m · Φ(m / s) + s · φ(m / s).

    Args:
        mean: expected effect.
        sd: its standard deviation, > 0.
        scale: what an effect of 1 is worth, ≥ 0.
        cost: what a switch costs.
        se: standard error of the measurement.

    Examples:
        Measured exactly, an effect that is worth its cost on average has half the mean absolute deviation:

        >>> exact = evsi_of_split(0.01, 0.02, scale=1000.0, cost=10.0, se=0.0)
        >>> bool(np.isclose(exact, 1000 * 0.02 / math.sqrt(2 * math.pi)))
        True
    """
    middle, spread = scale * mean - cost, scale * sd**2 / math.hypot(sd, se)
    if spread <= 0:
        return 0.0
    z = middle / spread
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return max(middle * float(ndtr(z)) + spread * density - max(middle, 0.0), 0.0)


def evsi(benefits: Floats, data: Floats, *, degree: int = 3) -> float:
    """Return the EVSI of an experiment of any kind from joint draws, by regression (Strong, Oakley & Brennan 2014).

    Args:
        benefits: draws of NB, shape (n,).
        data: what the experiment would show in each draw, shape (n,).
        degree: of the polynomial that E[NB | data] is fitted by.
    """
    spread = float(data.std())
    if not spread > 0:
        return 0.0
    scaled = (data - data.mean()) / spread
    fitted = np.polynomial.Polynomial.fit(scaled, benefits, degree)(scaled)
    return max(float(np.maximum(fitted, 0).mean()) - max(float(benefits.mean()), 0.0), 0.0)
