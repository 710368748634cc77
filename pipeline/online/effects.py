"""The effect of an arm on a daily figure of its listeners, with a standard error that knows listeners and days.

y[i, d] is what listener i did on day d, from the listener's first exposure on; 0 counts. The effect is the ratio of the
arms' means over listener-days, less 1. Its influence function is
ψ[i, d] = (y − m_T) / (n_T m_C) in the treatment and −(m_T / m_C)(y − m_C) / (n_C m_C) in the control.
Listeners are independent; days are not, if what shocks a day shocks the arms differently. So
Var = Σ_i ψ_i² + max(0, Σ_d ψ_d² − W): W is what Σ_d ψ_d² would be from the listeners' own days alone
(two-way clustering after Cameron, Gelbach & Miller 2011, with the overlap measured within listeners).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MIN_LISTENERS = 20
"""In each arm; with fewer, or fewer than two days, there is no estimate."""


@dataclass(frozen=True)
class Effect:
    """A relative effect: .02 is +2 %.

    Attributes:
        value: the estimate.
        se: its standard error.
        df: its degrees of freedom.
        between: the part of the variance that more days do not make smaller: differences between listeners.
        within: the part from a listener's own days.
        days: the part from days that listeners share.
        n_listeners: listeners.
        n_days: days.
        means: of control and treatment, adjusted by the weeks before, per listener-day.
    """

    value: float
    se: float
    df: float
    between: float
    within: float
    days: float
    n_listeners: int
    n_days: int
    means: tuple[float, float]

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the confidence interval of one look."""
        reach = float(t.ppf((1 + level) / 2, self.df)) * self.se
        return self.value - reach, self.value + reach


def relative_effect(y: Floats, seen: Flags, treated: Flags, before: Floats | None = None) -> Effect | None:
    """Return the effect of the treatment; None if an arm has too few listeners or its control did nothing.

    Args:
        y: shape (n_listeners, n_days).
        seen: of the same shape, the days from each listener's first exposure on.
        treated: shape (n_listeners,).
        before: shape (n_listeners,), the listeners' daily mean in the weeks before (CUPED, Deng et al. 2013).
    """
    kept = seen.any(axis=1)
    y, seen, treated = np.where(seen, y, 0.0)[kept], seen[kept], treated[kept]
    days = seen.any(axis=0)
    y, seen = y[:, days], seen[:, days]
    if min(treated.sum(), (~treated).sum()) < MIN_LISTENERS or y.shape[1] < 2:
        return None
    if before is not None:
        y = _adjusted(y, seen, treated, before[kept])
    (m_c, n_c), (m_t, n_t) = ((y[arm][seen[arm]].mean(), seen[arm].sum()) for arm in (~treated, treated))
    if m_c <= 0:
        return None
    scale = np.where(treated, 1 / (n_t * m_c), -m_t / m_c / (n_c * m_c))[:, None]
    mean = np.where(treated, m_t, m_c)[:, None]
    parts = _variances(np.where(seen, (y - mean) * scale, 0.0), seen, treated)
    return _effect(float(m_t / m_c - 1), parts, y.shape, (float(m_c), float(m_t)))


def ratio_effect(numerator: Floats, denominator: Floats) -> Effect | None:
    """Return Σ numerator / Σ denominator, such as credit won less credit lost over all credit; None if too few.

    Args:
        numerator: shape (n_listeners, n_days).
        denominator: of the same shape, at least 0. Listeners and days with zeros alone in both do not count.
    """
    any_of = (denominator > 0) | (numerator != 0)
    top, bottom = (each[any_of.any(axis=1)][:, any_of.any(axis=0)] for each in (numerator, denominator))
    if min(top.shape) < 2 or len(top) < MIN_LISTENERS or not bottom.sum() > 0:
        return None
    value = float(top.sum() / bottom.sum())
    parts = _variances((top - value * bottom) / bottom.sum(), np.ones(top.shape, dtype=bool), None)
    return _effect(value, parts, top.shape, (0.0, value))


def _adjusted(y: Floats, seen: Flags, treated: Flags, before: Floats) -> Floats:
    """Return y less what the weeks before foretell; means of both arms together stay as they are."""
    x = np.broadcast_to(before[:, None], y.shape)
    top = bottom = 0.0
    for arm in (treated, ~treated):
        ours = x[arm][seen[arm]]
        centred = ours - ours.mean()
        top, bottom = top + float(centred @ y[arm][seen[arm]]), bottom + float(centred @ centred)
    if bottom <= 0:
        return y
    adjusted: Floats = y - top / bottom * (x - x[seen].mean())
    return adjusted


def _variances(psi: Floats, seen: Flags, treated: Flags | None) -> tuple[float, float, float, float]:
    """Return the variance between listeners, within listeners, the days' excess, and its degrees of freedom."""
    n_days, each = psi.shape[1], seen.sum(axis=1)
    by_listener = psi.sum(axis=1)
    arms = [np.ones(len(psi), dtype=bool)] if treated is None else [treated, ~treated]
    listeners = sum(float((by_listener[arm] ** 2).sum()) * arm.sum() / (arm.sum() - 1) for arm in arms)
    own = np.where(seen, psi - (by_listener / each)[:, None], 0.0)
    # What a listener with one day did counts as that day's: it says nothing of how listeners differ.
    spread = np.where(each > 1, (own**2).sum(axis=1) * each / np.maximum(each - 1, 1), by_listener**2)
    within = float(spread.sum())
    within = min(within, listeners)
    by_day = float((psi.sum(axis=0) ** 2).sum()) * n_days / (n_days - 1)
    total = listeners + max(0.0, by_day - within)
    df = min(total**2 * (n_days - 1) / by_day**2, len(psi) - 1.0) if by_day > 0 else len(psi) - 1.0
    return listeners - within, within, max(0.0, by_day - within), max(df, 1.0)


def _effect(
    value: float, parts: tuple[float, float, float, float], shape: tuple[int, ...], means: tuple[float, float]
) -> Effect | None:
    between, within, days, df = parts
    se = float(np.sqrt(between + within + days))
    if not se > 0:
        return None
    return Effect(value, se, df, between, within, days, shape[0], shape[1], means)
