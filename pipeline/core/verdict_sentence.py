"""The verdict in one sentence that a manager understands. What is assumed is called assumed."""

from pipeline.core.candidates import POPULAR
from pipeline.core.decision import Decision, Upgrade, Verdict
from pipeline.core.economics import per_month
from pipeline.params import EconomicsParams


def sentence(decision: Decision, economics: EconomicsParams, k: int) -> str:
    """What was decided, and why."""
    if decision.verdict is Verdict.INVALID:
        return _invalid(decision)
    chosen = next((u for u in decision.upgrades if u.recipe == decision.challenger), None)
    if chosen is None:
        return f"KEPT {decision.champion}: there is no challenger.{_refreshed(decision)}"
    if decision.verdict is Verdict.PROMOTE:
        return (
            f"PROMOTED {chosen.recipe} over {decision.champion}: {_gain(chosen, k)} {_price(chosen, economics)}; "
            f"{_worth(chosen, economics, k)}."
        )
    return (
        f"KEPT {decision.champion}. {chosen.recipe} is {_gain(chosen, k)} {_price(chosen, economics)}, but "
        f"{_obstacle(chosen, economics)}.{_refreshed(decision)}"
    )


def _invalid(decision: Decision) -> str:
    kept = "the popular list" if decision.champion == POPULAR else decision.champion
    more = len(decision.faults) - 1
    others = f" (and {more} more fault{'s' if more > 1 else ''})" if more else ""
    return f"INVALID: {decision.faults[0]}{others}; {kept} is kept."


def _gain(upgrade: Upgrade, k: int) -> str:
    base = upgrade.comparison.champion_mean
    gain, (low, high) = upgrade.comparison.delta / base, upgrade.interval
    word = "better" if gain >= 0 else "worse"
    return f"{_percent(abs(gain))} {word} in NDCG@{k} (95 % interval {100 * low / base:.1f} to {_percent(high / base)})"


def _price(upgrade: Upgrade, economics: EconomicsParams) -> str:
    monthly = per_month(upgrade.cost.total, economics)
    if monthly < 0:
        return f"and saves {-monthly:,.0f} {economics.currency} a month"
    return f"for {monthly:,.0f} {economics.currency} a month more"


def _worth(upgrade: Upgrade, economics: EconomicsParams, k: int) -> str:
    """At what value of the gain the verdict would flip, beside the one assumed."""
    percent = upgrade.comparison.champion_mean / 100
    assumed = per_month(upgrade.unit_value * percent, economics)
    if upgrade.cost.total <= 0:
        return f"it assumes that one percent of NDCG@{k} is worth {assumed:,.2f} {economics.currency} a month"
    needed = per_month(upgrade.cost.total / upgrade.lower_bound * percent, economics)
    return (
        f"that pays while one percent of NDCG@{k} is worth more than {needed:,.2f} {economics.currency} a month "
        f"({assumed:,.2f} is assumed)"
    )


def _obstacle(upgrade: Upgrade, economics: EconomicsParams) -> str:
    reasons = []
    if not upgrade.gain_proven:
        share = upgrade.required_gain / upgrade.comparison.champion_mean
        what = f"a gain of {_percent(share)}" if share >= 0 else f"that its loss is under {_percent(-share)}"
        reasons.append(f"{what} is not proven")
    broken = [g.name for g in upgrade.gates if g.passed is False]
    if broken:
        reasons.append(f"it breaks the guardrail{'s' if len(broken) > 1 else ''} {', '.join(broken)}")
    if upgrade.net_benefit_low <= 0:
        short = per_month(-upgrade.net_benefit_low, economics)
        balance = "its gain is sure to earn" if upgrade.cost.total >= 0 else "it saves"
        lost = "it costs" if upgrade.cost.total >= 0 else "it may lose"
        reasons.append(f"by what is assumed {lost} {short:,.0f} {economics.currency} a month more than {balance}")
    return "; ".join(reasons)


def _refreshed(decision: Decision) -> str:
    if decision.refresh is None:
        return ""
    if decision.refresh.verdict is Verdict.PROMOTE:
        return f" {decision.champion} is refreshed with newer data."
    return f" {decision.champion} stays as served: its newer fit does not pass."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
