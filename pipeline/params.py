"""params.yaml as frozen, typed, validated values. Unknown keys are refused by their dotted path."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.errors import ParamsError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]

RECIPE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
RecipeName = Annotated[str, Field(pattern=f"^{RECIPE_NAME.pattern}$")]


class Frozen(BaseModel):
    """A value: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class IngestParams(Frozen):
    max_quarantine_share: Share
    """Share of read rows [0, 1] that may be quarantined before the night stops."""
    listener_buckets: Annotated[int, Field(ge=1, le=4096)]
    """Partitions that a day's plays are divided into by listener; more for services that outgrow a worker's memory."""


class Band(Frozen):
    """From low to high, relative to what is usual."""

    low: NonNegative
    high: Positive

    @model_validator(mode="after")
    def _around_one(self) -> "Band":
        if not self.low <= 1 <= self.high:
            raise ValueError(f"low {self.low:g} and high {self.high:g} do not stand around 1")
        return self


class BotParams(Frozen):
    """What no listener can do who is one person. Listeners beyond it are set aside with their reason."""

    max_hours_per_day: Positive
    """Time played [h] in a day of UTC, its longest play left out (that one may begin or end on another day)."""
    max_plays_per_day: Count
    """Plays in a day of UTC."""
    max_rhythm_spread: Share
    """Standard deviation of the times from play to play, relative to their mean; people who listen come and go, and
    are far above 1. Judged on days of more than half of max_plays_per_day."""
    habit_days: Annotated[int, Field(ge=2, le=365)]
    """Days [d] on end in all 24 hours of which something is played, or with a rhythm without a spread, before a
    listener is set aside for it: one day of it happens to people."""
    max_listener_share: Share
    """Share of listeners [0, 1] that may be set aside before the night stops: beyond, the logs or the rules are at
    fault."""


class ValidationParams(Frozen):
    min_plays: Count
    """Fewest visible plays [rows] of a night; fewer stop it."""
    max_unknown_artist_share: Share
    """Share of visible plays [0, 1] whose artist is not known by name."""
    median_days: Annotated[int, Field(ge=7, le=365)]
    """Days [d] before what is looked at that it is held against."""
    warn_day_ratio: Band
    """Plays and listeners of the latest day, relative to their median over the days before: outside, a warning."""
    stop_day_ratio: Band
    """The same: outside, the night stops. Logs that have landed in part, or twice under other ids."""
    min_listeners: Count
    """Fewest listeners of a median day [listeners] for a band or a share to be decided: a handful varies too much."""
    warn_age_days: NonNegative
    """Days [d] from the last play to as_of: beyond, a warning."""
    stop_age_days: NonNegative
    """The same: beyond, the night stops."""
    max_top_listener_share: Share
    """Share of a day's plays [0, 1] by its 1 % most active listeners; beyond, a warning."""
    max_top_artist_share: Share
    """Share of a day's plays [0, 1] by the artist played most; beyond, a warning."""
    warn_psi: Positive
    """Population stability index of the decision window against the days before; beyond, a warning. By convention 0.1
    is a shift and 0.25 a major one."""
    stop_psi: Positive
    """The same: beyond, the night stops. A unit that is wrong, rather than people who changed."""
    max_new_item_share: Share
    """Share of the window's items [0, 1] that training has not; beyond, a warning."""
    min_kept_share: Share
    """Share of listeners and of items [0, 1] that are left in the matrix; below, a warning."""
    bots: BotParams


class InteractionParams(Frozen):
    item: Literal["artist", "track"]
    """What is recommended."""
    min_seconds_played: NonNegative
    """A play counts from this long [s]; a log without durations counts every play."""
    history_days: Annotated[int, Field(ge=1, le=36500)]
    """Days before the window's end [d] that interactions are made from."""
    half_life_days: Positive
    """A play's weight halves every so many days [d]."""
    min_listeners_per_item: Count
    """Items heard by fewer listeners are left out of the catalogue."""


class SplitParams(Frozen):
    decision_days: Annotated[int, Field(ge=1, le=365)]
    """Length of the decision window, the latest complete days before as_of [d]."""
    tuning_days: Annotated[int, Field(ge=1, le=365)]
    """Length of the tuning window, the latest days before the decision window [d]: what a blend learns its weights
    on, and what `netgain tune` judges by."""
    target: Literal["new", "any"]
    """What a list should hit: `new`, items the listener has not played before (heard items are then kept out of
    lists), or `any`."""


class EvaluationParams(Frozen):
    k: Annotated[int, Field(ge=1, le=1000)]
    """Length of the lists that are scored."""
    light_share: Share
    """The share of listeners with the fewest plays that form the slice `light`."""
    heavy_share: Share
    """The share of listeners with the most plays that form the slice `heavy`."""
    new_listener_days: Count
    """A listener first heard within so many days [d] of the decision window is in the slice `new`."""


class PopularRecipe(Frozen):
    """The most listeners in a recent window."""

    family: Literal["popular"]
    window_days: Annotated[int, Field(ge=1, le=3650)]
    """Days [d] before the end of training in which listeners are counted."""


class RecentRecipe(Frozen):
    """The most listeners, those of long ago counting less."""

    family: Literal["recent"]
    half_life_days: Positive
    """A listener counts half for every so many days [d] since they last played the item."""


class RepeatRecipe(Frozen):
    """A listener's own favourites. For `split.target: any` alone."""

    family: Literal["repeat"]
    half_life_days: Positive
    """A favourite counts half for every so many days [d] since it was last played, beside what
    interactions.half_life_days takes from it."""


class ItemKnnRecipe(Frozen):
    """Nearest neighbours between items."""

    family: Literal["item_knn"]
    neighbours: Count
    """Neighbours kept for each item."""
    weighting: Literal["bm25", "cosine"]
    """How interactions are weighted before items are compared."""


class Rp3BetaRecipe(Frozen):
    """A walk of three steps on the listener-item graph, discounted by popularity."""

    family: Literal["rp3beta"]
    neighbours: Count
    """Neighbours kept for each item."""
    alpha: Annotated[float, Field(ge=0, le=4)]
    """Power of the transition probabilities."""
    beta: Annotated[float, Field(ge=0, le=4)]
    """Power of the popularity discount."""


class EaseRecipe(Frozen):
    """A linear item-item model in closed form: EASE, and with dropout EDLAE and DLAE."""

    family: Literal["ease"]
    regularization: Positive
    """λ, on the diagonal of the item-item matrix."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """p: as if so many of a listener's items were hidden [share]; 0 for none."""
    diagonal: Literal["zero", "free"]
    """`zero`: no item speaks for itself (EASE, and EDLAE with dropout). `free`: dropout alone keeps it from that
    (DLAE)."""
    neighbours: Count | None = None
    """Items that each item may speak for, its strongest; all of them, for and against, where this is left out."""
    max_memory_bytes: Count = 4_000_000_000
    """A catalogue whose matrix takes more memory [B], 4 · items², is refused: 31,622 items by default."""


class AlsRecipe(Frozen):
    """Implicit-feedback matrix factorisation by alternating least squares (implicit)."""

    family: Literal["als"]
    factors: Annotated[int, Field(ge=1, le=4096)]
    regularization: NonNegative
    confidence: Positive
    """α of Hu, Koren & Volinsky (2008): confidence = 1 + α · log(1 + weight)."""
    iterations: Annotated[int, Field(ge=1, le=1000)]


class IalsRecipe(Frozen):
    """Implicit-feedback matrix factorisation, solved exactly, with regularisation scaled by frequency."""

    family: Literal["ials"]
    factors: Annotated[int, Field(ge=1, le=4096)]
    regularization: Positive
    """λ, for each play at ν = 1."""
    exponent: Annotated[float, Field(ge=0, le=1)]
    """ν: a row of n plays is held by λ (n + α₀ · n_other)^ν; 0 holds all rows alike."""
    unobserved: Positive
    """α₀, weight of a pair that was not played; a play weighs about 1."""
    discount: Annotated[float, Field(ge=0, le=1)]
    """A play weighs (item's listeners / their mean)^−discount."""
    start: Positive
    """Length of the factors that a fit starts from, about."""
    iterations: Annotated[int, Field(ge=1, le=1000)]


class BprRecipe(Frozen):
    """Matrix factorisation that learns to rank what was played above what was not."""

    family: Literal["bpr"]
    factors: Annotated[int, Field(ge=1, le=4096)]
    """Beside them an item has a bias."""
    learning_rate: Positive
    """Length of a step."""
    regularization: NonNegative
    """Of all factors and biases, in each step that they take part in."""
    iterations: Annotated[int, Field(ge=1, le=10000)]
    """In each, as many pairs are drawn as there are interactions."""


class SparkAlsRecipe(Frozen):
    """Spark ML's ALS, for matrices that no single machine holds."""

    family: Literal["spark_als"]
    factors: Annotated[int, Field(ge=1, le=4096)]
    regularization: NonNegative
    confidence: Positive
    iterations: Annotated[int, Field(ge=1, le=1000)]
    blocks: Annotated[int, Field(ge=1, le=4096)]
    """Partitions of the factors. Sums in another order give other last bits: bytes repeat for one block, on one Java
    runtime."""


Member = (
    PopularRecipe
    | RecentRecipe
    | RepeatRecipe
    | ItemKnnRecipe
    | Rp3BetaRecipe
    | EaseRecipe
    | AlsRecipe
    | IalsRecipe
    | BprRecipe
)
"""What can be part of a blend: any single model that is fitted in a task."""
MemberRecipe = Annotated[Member, Field(discriminator="family")]


class BlendRecipe(Frozen):
    """A weighted sum of other recipes' scores, the weights learnt on the tuning window."""

    family: Literal["blend"]
    members: Annotated[tuple[RecipeName, ...], Field(strict=False, min_length=2, max_length=5)]
    """Names of other recipes of params.yaml. (Not strict: YAML has lists, no tuples.)"""
    member_recipes: Annotated[tuple[MemberRecipe, ...], Field(strict=False)] = ()
    """Their hyperparameters, in that order. `Params` fills them in, so that a model says by itself what it is."""
    candidates: Annotated[int, Field(ge=10, le=10000)]
    """Items of each member that are blended, its best for a listener."""
    tuned_at: Annotated[int, Field(ge=1, le=1000)]
    """k of the NDCG@k that the weights maximise."""

    @field_validator("members")
    @classmethod
    def _distinct(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(members)) < len(members):
            raise ValueError("members are named once each")
        return members


Recipe = Annotated[Member | SparkAlsRecipe | BlendRecipe, Field(discriminator="family")]


class GateParams(Frozen):
    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    """Probability that the gate promotes by mistake at least once in a quarter."""
    true_gain_sd: Positive
    """τ, standard deviation of challengers' true gains relative to the champion's mean: an assumption that the winner's
    curse is reckoned with. It is shown, and decides nothing."""
    seeds: Annotated[int, Field(ge=1, le=100)]
    """K, the fits of each stochastic recipe."""
    min_eligible_listeners: Annotated[int, Field(ge=2)]
    """Fewest listeners with a relevant play in the decision window that can carry a decision."""
    min_gain: Share
    """δ_min, the least gain worth an upgrade, relative to the champion's mean."""
    refresh_margin: Share
    """How much worse a refresh may be, relative to the champion's mean."""
    min_coverage_ratio: Share
    """Catalogue coverage, relative to the champion's."""
    max_top_share_increase: Share
    """Growth of the share of recommendations that go to the top 1 % of items [points / 100]."""
    max_churn: Share
    """Share of a list that may be replaced overnight: a challenger's by another seed, a refresh's by newer data."""
    max_slice_loss: Share
    """How much worse a slice of listeners may be, relative to the champion's mean there."""
    min_slice_listeners: Count
    """Slices with fewer eligible listeners are undecided."""
    max_batch_seconds_ratio: Positive
    """Fit and scoring time, relative to the champion's; checked against a champion of some cost."""
    max_memory_ratio: Positive
    max_model_bytes_ratio: Positive
    free_batch_seconds: NonNegative
    """Below this [s] the ratio of batch times is not held against anyone: the popular list costs next to nothing."""
    free_memory_bytes: NonNegative
    """Below this [B] the ratio of peak memories is not held against anyone."""
    free_model_bytes: NonNegative
    """Below this [B] the ratio of model sizes is not held against anyone."""
    max_batch_seconds: Positive
    """Hard limit of fit and scoring time [s]."""
    max_memory_bytes: Positive
    """Hard limit of peak memory [B]."""
    max_model_bytes: Positive
    """Hard limit of a model's size on disk [B]."""


class Prices(Frozen):
    """The price card, in the currency of `economics`."""

    cpu_hour: NonNegative
    memory_gib_hour: NonNegative
    storage_gib_month: NonNegative
    energy_kwh: NonNegative
    carbon_kg: NonNegative
    """Price of a kilogram of CO2-equivalent."""
    carbon_intensity_kg_per_kwh: NonNegative
    engineering_hour: NonNegative


class Elasticity(Frozen):
    """ε, the relative change of margin for a relative change of the metric: a lognormal belief. No transferable figure
    is published; replace it with one from your own A/B tests."""

    median: Positive
    low: Positive
    """5 % of the belief lies below."""
    high: Positive
    """5 % of the belief lies above."""

    @model_validator(mode="after")
    def _in_order(self) -> "Elasticity":
        if not self.low <= self.median <= self.high:
            raise ValueError(f"low {self.low:g}, median {self.median:g} and high {self.high:g} are not in order")
        return self


Spread = Annotated[float, Field(ge=1, le=100)]


class CostUncertainty(Frozen):
    """How sure a cost is: in 90 of 100 cases it lies between cost / factor and cost · factor."""

    machine: Spread
    """Factor of compute, memory, storage and energy."""
    hours: Spread
    """Factor of the hours of people."""


class EconomicsParams(Frozen):
    """Assumptions about the service, labelled as such wherever they are shown."""

    listeners: Count
    """N, listeners that the measured costs and gains are scaled to."""
    horizon_days: Count
    """H [d]."""
    margin_per_listener_day: NonNegative
    """r [currency / listener / d]."""
    elasticity: Elasticity
    uncertainty: CostUncertainty
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    prices: Prices
    maintenance_hours_per_year: dict[str, NonNegative]
    """By family [h / a]."""
    switching_hours: dict[str, NonNegative]
    """By family, once [h]."""


class ListParams(Frozen):
    n_items: Annotated[int, Field(ge=1, le=1000)]
    """Items in a listener's list."""
    n_fallback: Annotated[int, Field(ge=1, le=10000)]
    """Items in the list for strangers."""


class MonitoringParams(Frozen):
    """When people are warned of what is watched night after night; nothing of it stops a night."""

    window_nights: Annotated[int, Field(ge=1, le=90)]
    """n, the latest nights that a warning looks at."""
    breached_nights: Annotated[int, Field(ge=1, le=90)]
    """k, in how many of them a figure breaks its bound before people are told."""
    median_nights: Annotated[int, Field(ge=3, le=365)]
    """Nights before that a trailing median is taken of."""
    min_nights: Annotated[int, Field(ge=3, le=365)]
    """Fewest of them for a median: before, bounds that are relative to it decide nothing."""
    min_listeners: Count
    """Fewest active listeners for the shares of lists: a handful varies too much."""
    min_hit_rate_ratio: Share
    """Share of listeners who played something of their list, relative to its trailing median; below, a breach."""
    min_play_share_ratio: Share
    """Share of plays that were of items on lists, relative to its trailing median; below, a breach."""
    min_coverage_ratio: Share
    """Share of active listeners with a list of their own, relative to its trailing median; below, a breach."""
    max_psi: Positive
    """Population stability index of an input; above, a breach."""
    day_ratio: Band
    """Plays and listeners of the latest day, relative to their median over the days before; outside, a breach."""
    max_new_item_ratio: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """Share of items that were never played before, relative to its trailing median; above, a breach."""
    max_log_age_days: NonNegative
    """Days [d] from the last play to as_of; above, a breach."""
    max_lists_age_days: NonNegative
    """Days [d] that lists were served until this night; above, a breach: nights were missed."""

    @model_validator(mode="after")
    def _windows_hold_what_they_count(self) -> "MonitoringParams":
        if self.breached_nights > self.window_nights:
            raise ValueError(f"breached_nights {self.breached_nights} is more than window_nights {self.window_nights}")
        if self.min_nights > self.median_nights:
            raise ValueError(f"min_nights {self.min_nights} is more than median_nights {self.median_nights}")
        return self


class Params(Frozen):
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """The one seed; each stage derives its own from it."""
    ingest: IngestParams
    validation: ValidationParams
    interactions: InteractionParams
    split: SplitParams
    evaluation: EvaluationParams
    recipes: dict[str, Recipe]
    gate: GateParams
    economics: EconomicsParams
    lists: ListParams
    monitoring: MonitoringParams

    @model_validator(mode="after")
    def _blends_know_their_members(self) -> "Params":
        for name, recipe in self.recipes.items():
            if isinstance(recipe, BlendRecipe):
                found = tuple(_member(self.recipes, member, of=name) for member in recipe.members)
                if recipe.member_recipes not in ((), found):
                    raise ValueError(f"recipes.{name}.member_recipes is not for you to give: members names the recipes")
                self.recipes[name] = recipe.model_copy(update={"member_recipes": found})
        return self

    @model_validator(mode="after")
    def _own_favourites_may_be_listed(self) -> "Params":
        repeats = [name for name, recipe in self.recipes.items() if isinstance(recipe, RepeatRecipe)]
        if repeats and self.split.target == "new":
            raise ValueError(
                f"recipes.{repeats[0]} lists what a listener has heard, which split.target 'new' keeps out of lists: "
                "set split.target to 'any', or leave the recipe out"
            )
        return self

    @model_validator(mode="after")
    def _recipes_are_nameable_and_priced(self) -> "Params":
        bad = [name for name in self.recipes if not RECIPE_NAME.fullmatch(name)]
        if bad:
            raise ValueError(f"recipe name {bad[0]!r} is not of the form {RECIPE_NAME.pattern}")
        if not any(isinstance(recipe, PopularRecipe) for name, recipe in self.recipes.items() if name == "popular"):
            raise ValueError("a recipe 'popular' of the family popular is needed: it is the floor and the fallback")
        for field in ("maintenance_hours_per_year", "switching_hours"):
            missing = {recipe.family for recipe in self.recipes.values()} - set(getattr(self.economics, field))
            if missing:
                raise ValueError(f"economics.{field} has no entry for the family {min(missing)!r}")
        if self.lists.n_items < self.evaluation.k:
            raise ValueError("lists.n_items is shorter than evaluation.k: what is served must be what was measured")
        return self


def load_params(path: Path) -> Params:
    """Read and check a params.yaml.

    Raises:
        ParamsError: the file is missing, is not YAML, or a value is unknown, mistyped or out of range.
    """
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise ParamsError(
            f"no file {path}", expected="the parameters of the night", fix="Run from the project's folder."
        ) from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        where = " ".join(str(err).split())
        raise ParamsError(f"{path} is not YAML: {where}", expected="a mapping", fix="Mend the file.") from err
    try:
        return Params.model_validate(raw)
    except ValidationError as err:
        first, n_more = err.errors()[0], err.error_count() - 1
        # The discriminator of a recipe's family is no key of the file; leave it out of the path.
        loc = first["loc"]
        parts = [str(p) for i, p in enumerate(loc) if not (i == 2 and loc[0] == "recipes" and len(loc) > 3)]
        raise ParamsError(
            f"{path}: {'.'.join(parts) or 'the file'} = {_short(first['input'])}",
            expected=first["msg"][0].lower() + first["msg"][1:] + (f" ({n_more} more faults follow)" if n_more else ""),
            fix="See the fields of pipeline/params.py.",
        ) from err


def _member(recipes: dict[str, Recipe], name: str, *, of: str) -> Member:
    recipe = recipes.get(name)
    if isinstance(recipe, Member):
        return recipe
    found = "no recipe of params.yaml" if recipe is None else f"of the family {recipe.family}"
    able = ", ".join(other for other, each in recipes.items() if isinstance(each, Member))
    raise ValueError(f"recipes.{of}.members names {name!r}, {found}; what can be blended: {able}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
