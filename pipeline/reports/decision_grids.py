"""The tables of the decision page."""

import math

from markupsafe import Markup, escape

from pipeline.gate.economics import per_month
from pipeline.gate.record_model import DecisionRecord, RecipeFigures
from pipeline.gate.wording import DASH, PRICE_WORDS, chance, percent, small_share
from pipeline.recommenders.registry import FAMILIES
from pipeline.reports.decision_view import View
from pipeline.reports.figures import number, with_unit
from pipeline.reports.grid import Grid, grid
from pipeline.reports.guardrail_view import GuardrailRow, guardrail_rows

_MIB = 1048576
CSS = {True: "passed", False: "broken", None: "undecided"}
"""Classes of the style sheet by result."""


def challengers(view: View) -> Grid:
    """Return what each challenger gains, costs and is expected to earn."""
    days = view.economics.horizon_days
    rows = [
        (
            c.recipe,
            c.verdict,
            percent(c.comparison.delta / c.comparison.champion_mean, sign=True),
            view.money(c.balance.monthly_cost, sign=True),
            view.money(c.balance.one_off_cost, sign=True),
            view.money(c.balance.outlook.mean, sign=True),
            chance(c.balance),
        )
        for c in view.challengers
    ]
    heads = ("challenger", "verdict", "gain", "cost a month", "cost once", f"net benefit, {days} days", "it pays")
    return grid("What each challenger gains and costs", heads, rows, strong=_promoted(view))


def certainty(view: View) -> Grid:
    """Return how sure the figures of each challenger are, and what it would have needed."""
    rows = []
    for c in view.challengers:
        base, balance = c.comparison.champion_mean, c.balance
        low, high = (percent(bound / base, sign=True) for bound in c.interval)
        rows.append(
            (
                c.recipe,
                f"{low} to {high}",
                percent(c.lower_bound / base, sign=True) if c.clock.analysis else c.clock.status,
                percent(balance.needed_gain / base, sign=True),
                percent(c.detectable_gain / base, sign=True),
                percent(balance.break_even_gain / base, sign=True),
                percent(c.shrunk_gain / base, sign=True),
                str(c.comparison.n_nights),
            )
        )
    heads = ("challenger", "gain, 95 %", "proven", "needed", "detectable", "break-even", "corrected", "nights")
    return grid("How sure the gain of each challenger is", heads, rows, strong=_promoted(view))


def worth(view: View) -> Grid:
    """Return how sure the net benefit of each challenger is."""
    heads = ("challenger", "net benefit, 90 %", "cost that was measured", "worth of certainty")
    rows = [
        (
            c.recipe,
            view.interval(c),
            small_share(c.balance.measured_share),
            view.money(c.balance.outlook.perfect_information),
        )
        for c in view.challengers
    ]
    return grid("How sure the net benefit of each challenger is", heads, rows, strong=_promoted(view))


def flips(view: View) -> Grid | None:
    """Return the assumptions that turn the balance of the challenger spoken of; None if none does."""
    found = [] if view.spoken is None else [f for f in view.spoken.prospect.flips if math.isfinite(f.flips_at)]
    rows = [
        (
            "number of listeners" if flip.price == "listeners" else PRICE_WORDS[flip.price],
            number(flip.assumed, 6),
            number(flip.flips_at, 4),
            _source(view, flip.price),
            f"economics.{flip.price}",
        )
        for flip in found
    ]
    heads = ("assumption", "value", "balance turns at", "value is", "in params.yaml")
    return grid("Where each assumption turns the balance", heads, rows) if rows else None


def guardrails(rows: list[GuardrailRow], label: str) -> Grid:
    """Return guardrails with their figures and what they measure."""
    heads = ("guardrail", "result", "found", "bound", "would show", "what is measured")
    cells = [(r.label, _result(r), r.found, r.bound, r.detectable, _code(r.explanation)) for r in rows]
    return grid(label, heads, cells, prose=("what is measured",))


def refresh(record: DecisionRecord) -> Grid | None:
    """Return the comparisons of the newer fit with what is served; None without them."""
    if record.lanes.refresh is None:
        return None
    rows = [
        (each.what, str(each.n_nights), percent(each.change, sign=True), percent(each.upper_bound, sign=True))
        for each in record.lanes.refresh.changes
    ]
    return grid("The newer fit against what is served", ("compared", "nights", "change", "at most"), rows)


def limits(view: View) -> Grid | None:
    """Return how much of each hard limit a recipe uses; None without limits."""
    record = view.record
    if not record.constraints:
        return None
    used = {name: guardrail_rows(record, gates) for name, gates in record.constraints.items()}
    labels = [row.label for row in next(iter(used.values()))]
    cells = []
    for name, rows in used.items():
        by_label = {row.label: row for row in rows}
        cells.append((name, *(_of(by_label.get(label)) for label in labels)))
    return grid("Hard limits and what each recipe uses of them", ("recipe", *labels), cells)


def metrics(view: View) -> Grid:
    """Return every metric of every recipe."""
    record = view.record
    rows = []
    for name in record.recipes:
        measured = record.evidence.measured[name]
        values = (with_unit(measured.metrics.get(m.name, math.nan), m.unit) for m in record.metrics)
        rows.append((name, *values, percent(worst_slice(record, name), digits=0)))
    heads = ("recipe", *(metric.label for metric in record.metrics), "worst slice")
    return grid("Metrics of every recipe", heads, rows, strong=(record.serve.recipe,))


def takes(view: View) -> Grid:
    """Return what every recipe costs to run: measured quantities, and money."""
    heads = (
        "recipe", "runs for, a month", "training, CPU s", "scoring, CPU s", "memory, MiB", "model, MiB", "energy, Wh",
        "seed to seed", "lists another seed replaces", "royalties of 1,000 plays",
    )  # fmt: skip
    rows = [(name, *_takes(view, name, figures)) for name, figures in view.record.recipes.items()]
    return grid("What every recipe takes", heads, rows, strong=(view.record.serve.recipe,))


def _takes(view: View, name: str, figures: RecipeFigures) -> tuple[str, ...]:
    measured, night = view.record.evidence.measured[name], figures.night
    fit, scoring = measured.fit, measured.scoring
    energy = number(night.energy_kwh if night else None, 3, 0.001)
    return (
        DASH if figures.running_cost is None else view.money(per_month(figures.running_cost.running, view.economics)),
        number(fit.cpu_seconds if fit else None, 3),
        number(scoring.cpu_seconds if scoring else None, 3),
        number(night.peak_rss_bytes if night else None, 4, _MIB),
        number(fit.model_bytes if fit else None, 3, _MIB),
        f"{energy} ({(fit.energy_provenance if fit else None) or 'unknown'})",
        percent(seed_to_seed(figures), digits=2),
        percent(measured.churn_between_fits, digits=0),
        number(view.royalty(name), 3),
    )


def assumptions(view: View) -> Grid:
    """Return the price card and the other assumptions."""
    e = view.economics
    spread = f"90 % between {e.elasticity.low:.3g} and {e.elasticity.high:.3g}; {view.source}"
    rows = [
        ("listeners", f"{e.listeners:,}"),
        ("horizon", f"{e.horizon_days} days"),
        ("margin of a listener a day", f"{e.margin_per_listener_day} {e.currency}"),
        (f"elasticity of margin to {view.metric}", f"{e.elasticity.median:.3g} ({spread})"),
        ("plays from lists, of a listener a day", f"{e.list_plays_per_listener_day}"),
        ("cost of machines lies within a factor of", str(e.uncertainty.machine)),
        ("hours of people lie within a factor of", str(e.uncertainty.hours)),
    ]
    for name, price in e.prices.model_dump().items():
        unit = "" if name == "carbon_intensity_kg_per_kwh" else f" {e.currency}"
        rows.append((name.replace("_", " "), f"{price}{unit}"))
    for family, hours in e.maintenance_hours_per_year.items():
        once = e.switching_hours.get(family, DASH)
        rows.append((f"upkeep of {family}, and switching to it", f"{hours} h a year, {once} h once"))
    return grid("Prices and assumptions", ("assumption", "value"), rows, prose=("value",))


def sources(view: View, schema: int) -> Grid:
    """Return the checksums of what the record was made from."""
    record = view.record
    hashes = [("record", record.digest), *record.hashes.items()]
    hashes += [(array.file, array.sha256) for array in record.arrays.values()]
    rows: list[tuple[str, str]] = [(name, Markup("<code>{}</code>").format(value)) for name, value in hashes]
    rows += [("listeners scored", f"{record.n_eligible:,}"), ("schema", str(schema))]
    return grid("Where this comes from", ("what", "SHA-256"), rows, prose=("SHA-256",))


def explained(family: str) -> str:
    """Return how well a family can explain its lists; a dash for a family that is no longer there."""
    return FAMILIES[family].reason.summary if family in FAMILIES else DASH


def worst_slice(record: DecisionRecord, recipe: str) -> float:
    """Return a recipe's lowest accuracy among slices, relative to that of all listeners; NaN where undefined."""
    slices = [each.ndcg for each in record.evidence.measured[recipe].slices.values()]
    defined = [value for value in slices if not math.isnan(value)]
    mean = record.recipes[recipe].mean
    return min(defined) / mean if defined and mean > 0 else math.nan


def seed_to_seed(figures: RecipeFigures) -> float:
    """Return the standard deviation between fits, relative to the mean; NaN where undefined."""
    # NaN is not ≥ 0: an unknown variance stays undefined.
    return math.sqrt(figures.seeds.value) / figures.mean if figures.seeds.value >= 0 < figures.mean else math.nan


def _promoted(view: View) -> list[str]:
    return [c.recipe for c in view.challengers if c.verdict == "PROMOTE"]


def _source(view: View, price: str) -> Markup:
    said = view.economics.elasticity.provenance if price == "elasticity" else "assumed"
    return Markup('<span class="assumed">{}</span>').format(said)


def _result(row: GuardrailRow) -> Markup:
    return Markup('<span class="{}">{} {}</span>').format(CSS[row.passed], row.mark, row.result)


def _of(row: GuardrailRow | None) -> str | Markup:
    if row is None:
        return DASH
    shown = f"{row.found} of {row.bound.removeprefix('at most ')}"
    return Markup('<span class="broken">✕ {}</span>').format(shown) if row.passed is False else shown


def _code(text: str) -> Markup:
    """Return a text with what stands between backticks as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if i % 2 else escape(part) for i, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)
