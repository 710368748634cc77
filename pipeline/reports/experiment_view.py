"""What pages and the terminal say of an experiment."""

from collections.abc import Mapping
from typing import Any

from scipy.stats import t

from pipeline.online.results import ExperimentResult
from pipeline.online.running import Running

_WHAT = {
    "holdback": "popular list against what is served",
    "split": "by listener",
    "interleave": "drafted lists; a screening, not a proof",
    "withhold": "items kept out of lists by chance",
}


class ExperimentView:
    """An experiment's row of the state database in words."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.running = Running.model_validate(row["running"])
        self.result = ExperimentResult.model_validate(row["result"])
        self.as_of: str = row["as_of"]

    @property
    def title(self) -> str:
        """Name, design and what it is for."""
        return f"{self.result.id}: {self.result.design}, {_WHAT[self.result.design]}"

    @property
    def span(self) -> str:
        """Its time and its size."""
        running = self.running
        share = f"{running.declared.share:.1%} of listeners"
        return f"{share}, from the night of {running.opened} to that of {running.until}; estimated {self.as_of}"

    @property
    def sentence(self) -> str:
        """The estimate as one sentence."""
        found = self.result
        if found.state == "invalid":
            return f"INVALID: {found.why}. No figure of it counts."
        if found.design == "withhold":
            return "Compares recipes on plays that no list has caused; see the pairs below."
        value, se, what = (
            (found.preference, found.preference_se, "credit of the drafted lists")
            if found.design == "interleave"
            else (found.effect, found.effect_se, "plays")
        )
        if value is None or se is None:
            return "No estimate yet: it takes 20 exposed listeners in each arm, and two days."
        reach = float(t.ppf(0.975, found.effect_df)) * se if found.effect_df else 1.96 * se
        interval = f"95 % interval {value - reach:+.2%} to {value + reach:+.2%}"
        verdict = "no difference is shown" if value - reach <= 0 <= value + reach else "a difference is shown"
        return f"{found.treatment} against {found.control}: {value:+.2%} of {what} ({interval}); {verdict}."

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Checks and figures, by name."""
        found = self.result
        lines = [("state", found.state + (f": {found.why}" if found.why and found.state != "invalid" else ""))]
        lines += [
            (
                f"arm {arm.name}",
                f"{arm.recipe}: {arm.exposed:,} of {arm.assigned:,} assigned listeners asked" + _mean(arm),
            )
            for arm in found.arms
        ]
        if found.srm_p is not None:
            lines.append(("sample ratio", f"P = {found.srm_p:.3g}"))
        lines.append(("contaminated", f"{found.contaminated:,} listeners, left out"))
        lines.append(("estimated from", f"{found.listeners:,} listeners, {found.days} days"))
        for bound in found.harm:
            limit = f"stops below {bound.limit:+.1%}"
            lines.append((f"harm bound, {bound.figure}", f"{bound.effect:+.2%}, at best {bound.upper:+.2%}; {limit}"))
        if (power := found.power) is not None:
            lines += [
                ("could be found so far", f"{power.detectable:.2%} (80 % power, one-sided 5 %)"),
                ("could be found at its end", f"{power.at_end:.2%}"),
                ("power for the declared effect", f"{power.for_effect:.0%} for {power.effect:.2%}"),
            ]
        if found.offline_gain is not None:
            error = "" if found.offline_gain_se is None else f" ± {found.offline_gain_se:.2%}"
            lines.append(("offline gain", f"{found.offline_gain:+.2%}{error}"))
        lines.append(("listener-days treated", f"{found.treated_days:,}"))
        for pair in found.pairs:
            lines.append(
                (
                    f"pairs, {pair.recipe}",
                    f"withheld {_signed(pair.withheld, pair.withheld_se)} ({pair.n_withheld:,} "
                    f"pairs); raw log {_signed(pair.raw, pair.raw_se)}",
                )
            )
        return lines


def _mean(arm: Any) -> str:
    mean = arm.plays_per_listener_day
    return "" if mean is None else f", {mean:.2f} plays a listener-day"


def _signed(value: float | None, se: float | None) -> str:
    return "not known" if value is None or se is None else f"{value:+.1%} ± {se:.1%}"
