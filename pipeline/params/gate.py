"""Section `gate` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.json_values import OPTIONAL
from pipeline.params.base import Frozen, NonNegative, Positive, Share


class GateParams(Frozen):
    """The gate's error probability, margins, guardrails and hard limits."""

    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    """Probability of at least one wrong promotion in a quarter, over all challengers."""
    max_entrants: Annotated[int, Field(ge=1, le=1000)]
    """M, challengers that α provides for in a quarter; each may spend α / M. A new champion makes all of them new."""
    true_gain_sd: Positive
    """τ, standard deviation of challengers' true gains relative to the champion's mean, an assumption: a measured gain
    is shrunk by it before it is valued, because the best of several looks better than it is (winner's curse)."""
    seeds: Annotated[int, Field(ge=1, le=100)]
    """K, the fits of each stochastic recipe."""
    min_eligible_listeners: Annotated[int, Field(ge=2)]
    """Fewest listeners with a relevant play in the decision window for a valid decision."""
    min_probability_of_benefit: Annotated[float, Field(gt=0, lt=1)]
    """π, the attitude to risk: a challenger is promoted only if its net benefit is positive with at least this
    probability (ADR 0021)."""
    refresh_margin: Share
    """Loss that is tolerated, relative to the served model or to the champion's mean: a model that is shown to lose
    more is not served, and no savings buy more."""
    min_coverage_ratio: Share
    """Catalogue coverage, relative to the champion's."""
    max_top_share_increase: Share
    """Growth of the share of recommendations that go to the top 1 % of items [points / 100]."""
    max_churn: Share
    """Share of a list that may be replaced overnight: a challenger's by another seed, a refresh's by newer data."""
    max_slice_loss: Share
    """Loss of a slice of listeners from which one that is shown stops a challenger, relative to the champion's mean."""
    max_list_caused_share: Annotated[Share, OPTIONAL] = 1.0
    """Share of the decision window's discoveries that served lists may have caused: above it, no challenger is called
    worse by the raw log alone. 1 never applies."""
    approval: Annotated[Literal["none", "promote"], OPTIONAL] = "none"
    """`promote`: a promotion waits for a person, and the champion is kept until `netgain approve`."""
    max_cpu_seconds_ratio: Positive
    """CPU time of fit and scoring, relative to the champion's."""
    max_memory_ratio: Positive
    """Peak memory, relative to the champion's."""
    max_model_bytes_ratio: Positive
    """Model size on disk, relative to the champion's."""
    free_cpu_seconds: NonNegative
    """CPU time of fit and scoring [s] up to which its ratio is not checked: the popular list costs next to nothing."""
    free_memory_bytes: NonNegative
    """Peak memory [B] up to which its ratio is not checked."""
    free_model_bytes: NonNegative
    """Model size [B] up to which its ratio is not checked."""
    max_batch_seconds: Positive
    """Hard limit of the elapsed time of fit and scoring [s]."""
    max_memory_bytes: Positive
    """Hard limit of peak memory [B]."""
    max_model_bytes: Positive
    """Hard limit of a model's size on disk [B]."""
