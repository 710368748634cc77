"""Shares with their intervals."""

from dataclasses import dataclass

from scipy.stats import beta


@dataclass(frozen=True)
class Share:
    """k of n, with the 95 % interval of Clopper & Pearson (1934)."""

    k: int
    n: int

    @property
    def value(self) -> float:
        return self.k / self.n if self.n else float("nan")

    @property
    def low(self) -> float:
        return float(beta.ppf(0.025, self.k, self.n - self.k + 1)) if self.k else 0.0

    @property
    def high(self) -> float:
        return float(beta.ppf(0.975, self.k + 1, self.n - self.k)) if self.k < self.n else 1.0

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f}; {self.k} of {self.n})"

    def as_dict(self) -> dict[str, float]:
        return {"k": self.k, "n": self.n, "value": self.value, "low": self.low, "high": self.high}
