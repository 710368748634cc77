"""The verdict in one sentence for managers; its amounts are those of the record."""

from collections.abc import Mapping

from pipeline.gate.candidates import POPULAR
from pipeline.gate.decision import Decision, Prospect, Upgrade, Verdict, Waiting
from pipeline.gate.refresh import CHAIN, LEVEL
from pipeline.gate.wording import chance, clock_words, cost_words, money, percent, required_chance, turning
from pipeline.params.economics import EconomicsParams

_MEMORY = {"not_worse_since_promotion": CHAIN, "not_worse_than_popular_was": LEVEL}


def sentence(
    decision: Decision, economics: EconomicsParams, k: int, prospects: Mapping[str, Prospect] | None = None
) -> str:
    """Return the sentence: the verdict and its reason.

    Args:
        decision: the verdict and its lanes.
        economics: the assumptions.
        k: length of the lists, for `NDCG@k`.
        prospects: for each challenger, its flip prices; with them, the sentence says what would turn the verdict.
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
        return f"KEPT {decision.champion}: there is no challenger{_left_out(decision)}.{_refreshed(decision)}"
    balance, turn = chosen.balance, _turn(chosen, prospects.get(chosen.recipe), economics)
    about = f"{_gain(chosen, k)} and {cost_words(balance, economics)}"
    if decision.verdict is Verdict.PROMOTE:
        return (
            f"PROMOTED {chosen.recipe} over {decision.champion}: it is {about}; it pays with a probability of "
            f"{chance(balance)} ({required_chance(balance)} is required), and its expected net benefit over "
            f"{economics.horizon_days} days is {money(balance.outlook.mean, economics)}{turn}."
            + (f" Approved by {decision.approval.answer.by}." if decision.approval and decision.approval.answer else "")
        )
    if decision.approval is not None:
        return f"KEPT {decision.champion}: {chosen.recipe} is {about}, {_asked(decision.approval, economics)}"
    return f"KEPT {decision.champion}: {chosen.recipe} is {about}, but {_obstacle(chosen)}{turn}.{_refreshed(decision)}"


def _invalid(decision: Decision) -> str:
    kept = "the popular list is" if decision.champion == POPULAR else f"{decision.champion} is"
    stays = f"{kept} kept" if decision.serve_source == "refit" else f"{decision.serve_recipe} stays as it is served"
    more = len(decision.faults) - 1
    others = f" (and {more} more fault{'s' if more > 1 else ''})" if more else ""
    return f"INVALID: {decision.faults[0]}{others}; {stays}."


def _asked(approval: Waiting, economics: EconomicsParams) -> str:
    """Return why a challenger that passes is not promoted: it waits for a person, or one has refused."""
    look = f"it pays with a probability of {percent(approval.probability_of_benefit, digits=0)}"
    if approval.answer is not None:
        return f"and {look}, but {approval.answer.by} has refused it ({approval.answer.reason})."
    night = money(approval.cost_of_a_night, economics)
    return f"and {look}, but it waits for approval (netgain approve), which is expected to cost {night} a night."


def _gain(upgrade: Upgrade, k: int) -> str:
    base = upgrade.comparison.champion_mean
    gain, (low, high) = upgrade.comparison.delta / base, upgrade.interval
    told_otherwise = not upgrade.trusted or upgrade.withheld is not None or upgrade.live is not None
    word = "better" if gain >= 0 else "lower" if told_otherwise else "worse"
    interval = f"95 % interval {100 * low / base:.1f} to {percent(high / base)}"
    nights = f", over {upgrade.comparison.n_nights} nights" if upgrade.comparison.n_nights > 1 else ""
    found = f"{percent(abs(gain))} {word} in NDCG@{k} ({interval}{nights})"
    if not upgrade.trusted:
        found += ", which is no proof that it is worse, because served lists have shaped the log,"
    if upgrade.withheld is not None:
        found += f", {percent(upgrade.withheld.gain, sign=True)} on withheld pairs,"
    if upgrade.live is not None:
        plays = "more" if upgrade.live.effect >= 0 else "fewer"
        found = found.removesuffix(",")
        found += f", has {percent(abs(upgrade.live.effect))} {plays} plays with {upgrade.live.listeners:,} listeners,"
    return found


def _left_out(decision: Decision) -> str:
    n = len(decision.left_out)
    return f" that could be measured ({n} {'is' if n == 1 else 'are'} left out)" if n else ""


def _obstacle(upgrade: Upgrade) -> str:
    if not upgrade.clock.analysis and upgrade.live is None:
        return clock_words(upgrade.clock)
    reasons, balance, base = [], upgrade.balance, upgrade.comparison.champion_mean
    if not balance.gain_proven:
        lost = -balance.required_gain / base
        reasons.append(f"it is not proven to lose less than {percent(lost)}" if lost > 0 else "a gain is not proven")
    if upgrade.live is not None and upgrade.live.shows_loss:
        reasons.append("listeners are shown to play less with it")
    broken = [g.name for g in upgrade.gates if g.passed is False]
    if broken:
        reasons.append(f"it breaks the guardrail{'s' if len(broken) > 1 else ''} {', '.join(broken)}")
    if balance.outlook.probability_of_benefit < balance.required_probability:
        reasons.append(f"it pays with a probability of only {chance(balance)} ({required_chance(balance)} is required)")
    return " and ".join([", ".join(reasons[:-1]), reasons[-1]] if len(reasons) > 1 else reasons)


def _turn(upgrade: Upgrade, prospect: Prospect | None, economics: EconomicsParams) -> str:
    """Return the clause on what would turn the verdict; empty if a guardrail decides it, whatever prices are."""
    if prospect is None or not upgrade.clock.analysis or any(gate.passed is False for gate in upgrade.gates):
        return ""
    condition, would = turning(prospect.flips, economics), "would not pay" if upgrade.balance.pays else "would pay"
    return "; no single price changes this" if condition is None else f"; it {would} {condition}"


def _refreshed(decision: Decision) -> str:
    if decision.refresh is None:
        return ""
    if decision.refresh.verdict is Verdict.PROMOTE:
        return f" {decision.champion} is refreshed with newer data."
    broken = [gate.name for gate in decision.refresh.gates if gate.passed is False]
    lost = next((change for change in decision.refresh.changes if change.what == _MEMORY.get(broken[0])), None)
    if lost is None:
        return f" {decision.champion} stays as served: its newer fit does not pass {', '.join(broken)}."
    loss = f"{percent(-lost.change)} over {lost.n_nights} nights"
    return f" {decision.champion} stays as served: refreshing has lost {loss}, and someone should find out why."
