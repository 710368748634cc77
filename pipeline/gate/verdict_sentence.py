"""The verdict in one sentence for managers; assumptions are named as such."""

import math
from collections.abc import Mapping

from pipeline.gate.candidates import POPULAR
from pipeline.gate.decision import Decision, Prospect, Upgrade, Verdict
from pipeline.gate.economics import per_month
from pipeline.params.economics import EconomicsParams


def sentence(
    decision: Decision, economics: EconomicsParams, k: int, prospects: Mapping[str, Prospect] | None = None
) -> str:
    """Return the sentence: the verdict and its reason.

    Args:
        decision: the verdict and its lanes.
        economics: the assumptions.
        k: length of the lists, for `NDCG@k`.
        prospects: for each challenger, its outlook; with it, the sentence names the value at which the verdict flips.
    """
    said = _verdict(decision, economics, k, prospects or {})
    override = decision.override
    if override is None:
        return said
    return f"{said} OVERRIDE by {override.by} until {override.until}: {override.recipe} is served ({override.reason})."


def _verdict(decision: Decision, economics: EconomicsParams, k: int, prospects: Mapping[str, Prospect]) -> str:
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
        f"{_obstacle(chosen, economics)}{_would_pay(chosen, prospects.get(chosen.recipe), economics, k)}."
        f"{_refreshed(decision)}"
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
    interval = f"95 % interval {100 * low / base:.1f} to {_percent(high / base)}"
    nights = f", over {upgrade.comparison.n_nights} nights" if upgrade.comparison.n_nights > 1 else ""
    return f"{_percent(abs(gain))} {word} in NDCG@{k} ({interval}{nights})"


def _price(upgrade: Upgrade, economics: EconomicsParams) -> str:
    monthly = per_month(upgrade.balance.cost_total, economics)
    if monthly < 0:
        return f"and saves {-monthly:,.0f} {economics.currency} a month"
    return f"for {monthly:,.0f} {economics.currency} a month more"


def _worth(upgrade: Upgrade, economics: EconomicsParams, k: int) -> str:
    """Return the clause on the value of one percent of the metric: the break-even value and the assumed one."""
    assumed = _percent_worth(upgrade.balance.unit_value_low, upgrade, economics)
    if upgrade.balance.cost_high <= 0:
        return f"it assumes that one percent of NDCG@{k} is worth {assumed:,.2f} {economics.currency} a month"
    needed = _percent_worth(upgrade.balance.cost_high / upgrade.lower_bound, upgrade, economics)
    return (
        f"that pays while one percent of NDCG@{k} is worth more than {needed:,.2f} {economics.currency} a month "
        f"({assumed:,.2f} is assumed, with caution)"
    )


def _would_pay(upgrade: Upgrade, prospect: Prospect | None, economics: EconomicsParams, k: int) -> str:
    """Return the clause on the number of listeners, or the value of one percent, from which a proven gain would pay.

    Empty if the gain is not proven, or pays already.
    """
    balance = upgrade.balance
    if prospect is None or not balance.gain_proven or balance.pays or upgrade.lower_bound <= 0:
        return ""
    needed = _percent_worth(balance.cost_high / upgrade.lower_bound, upgrade, economics)
    listeners = next(flip.flips_at for flip in prospect.flips if flip.price == "listeners")
    from_listeners = f"from {_rounded(listeners)} listeners, or " if math.isfinite(listeners) else ""
    worth = f"{needed:,.2f} {economics.currency} a month"
    return f"; it would pay {from_listeners}if one percent of NDCG@{k} were worth {worth}"


def _percent_worth(unit_value: float, upgrade: Upgrade, economics: EconomicsParams) -> float:
    return per_month(unit_value * upgrade.comparison.champion_mean / 100, economics)


def _rounded(listeners: float) -> str:
    return f"{listeners / 1e6:.1f} M" if listeners >= 1e6 else f"{float(f'{listeners:.2g}'):,.0f}"


def _obstacle(upgrade: Upgrade, economics: EconomicsParams) -> str:
    reasons, balance = [], upgrade.balance
    if not balance.gain_proven:
        share = balance.required_gain / upgrade.comparison.champion_mean
        what = f"a gain of {_percent(share)}" if share >= 0 else f"that its loss is under {_percent(-share)}"
        reasons.append(f"{what} is not proven")
    broken = [g.name for g in upgrade.gates if g.passed is False]
    if broken:
        reasons.append(f"it breaks the guardrail{'s' if len(broken) > 1 else ''} {', '.join(broken)}")
    if balance.net_benefit_low <= 0:
        short = per_month(-balance.net_benefit_low, economics)
        sure = "its gain is sure to earn" if balance.cost_high >= 0 else "it is sure to save"
        lost = "it costs" if balance.cost_high >= 0 else "it may lose"
        reasons.append(f"by what is assumed {lost} {short:,.0f} {economics.currency} a month more than {sure}")
    return "; ".join(reasons)


def _refreshed(decision: Decision) -> str:
    if decision.refresh is None:
        return ""
    if decision.refresh.verdict is Verdict.PROMOTE:
        return f" {decision.champion} is refreshed with newer data."
    return f" {decision.champion} stays as served: its newer fit does not pass."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
