"""Proportions with their intervals."""

from scipy.stats import beta


def rate(count: int, n: int) -> dict[str, float]:
    """Return a proportion with its 95 % interval (Clopper & Pearson 1934)."""
    low = float(beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return {"n": n, "rate": count / n, "low": low, "high": high}
