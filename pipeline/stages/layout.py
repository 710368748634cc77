"""The paths of every dataset of a night, named once. dvc.yaml repeats them, and a test compares the two."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.gate.champion import carried_name, is_carried

CARRIED = carried_name("carried")
"""The name of the files of the champion's recipe if it is carried beside those of params.yaml, whatever its name."""


@dataclass(frozen=True)
class Layout:
    """Paths under a workspace."""

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def night(self) -> Path:
        """night.yaml, with as_of; its folder holds the inputs of a night that are not parameters."""
        return self.root / "night" / "night.yaml"

    @property
    def champion(self) -> Path:
        """champion.yaml: what the gate chose last, with its hyperparameters."""
        return self.root / "night" / "champion.yaml"

    @property
    def landing(self) -> Path:
        """landing.json: format, root and the landed files with size and SHA-256."""
        return self.root / "night" / "landing.json"

    @property
    def served(self) -> Path:
        """A folder with served.json, the release that was served before this night, or nulls.

        If there is a release, model/ has its held-out model and final/ the model that it serves.
        """
        return self.root / "night" / "served"

    @property
    def royalties(self) -> Path:
        """royalties.parquet: what a play of an item costs, see `pipeline.features.royalties`; empty if all cost the
        same."""
        return self.root / "night" / "royalties.parquet"

    @property
    def history(self) -> Path:
        """history.json: tonight's number among the looks of its quarter, and estimates of earlier nights."""
        return self.root / "night" / "history.json"

    @property
    def earlier(self) -> Path:
        """earlier.parquet: each listener's influence on earlier comparisons of tonight's pairs, summed over nights."""
        return self.root / "night" / "earlier.parquet"

    @property
    def results(self) -> Path:
        """results.json: what experiments had shown up to the night before; missing without experiments."""
        return self.root / "night" / "results.json"

    @property
    def opened_experiments(self) -> Path:
        """experiments.json: the experiments that run, those that the night opens among them."""
        return self.root / "night" / "experiments.json"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def plays(self) -> Path:
        return self.data / "plays"

    @property
    def days(self) -> Path:
        """days.json: for each day of plays, a digest of its inputs."""
        return self.data / "days.json"

    @property
    def cache(self) -> Path:
        """Results of earlier nights (`pipeline.storage.cache`); without it a night takes longer."""
        return self.root / ".netgain" / "cache"

    @property
    def quarantine(self) -> Path:
        return self.data / "quarantine.parquet"

    @property
    def ingest_report(self) -> Path:
        return self.data / "ingest.json"

    @property
    def validation_report(self) -> Path:
        return self.data / "validation.json"

    @property
    def excluded_listeners(self) -> Path:
        """Listeners excluded as bots, each with the reason."""
        return self.data / "excluded_listeners.parquet"

    @property
    def daily(self) -> Path:
        return self.data / "daily"

    @property
    def follows(self) -> Path:
        """What was played after what, a file a day; empty unless `interactions.order` is true."""
        return self.data / "follows"

    @property
    def items(self) -> Path:
        return self.data / "items.parquet"

    @property
    def train(self) -> Path:
        """A folder with interactions.parquet, listeners.parquet, items.parquet: plays before the decision window; also
        follows.parquet if `interactions.order` is true."""
        return self.data / "train"

    @property
    def tuning(self) -> Path:
        """The same tables for plays before the tuning window, and relevant.parquet, the items played in it."""
        return self.data / "tuning"

    @property
    def window(self) -> Path:
        """The same tables for plays up to as_of, on which the served model is fitted."""
        return self.data / "window"

    @property
    def relevant(self) -> Path:
        return self.data / "relevant.parquet"

    @property
    def interactions_report(self) -> Path:
        return self.data / "interactions.json"

    def model(self, recipe: str) -> Path:
        """A folder with seed-0/ … seed-K−1/, each with one model and its id maps."""
        return self.data / "models" / _file_name(recipe)

    def fit_cost(self, recipe: str) -> Path:
        return self.data / "costs" / f"fit-{_file_name(recipe)}.json"

    def evaluation(self, recipe: str) -> Path:
        """A table with a row for each seed and eligible listener."""
        return self.data / "evaluation" / f"{_file_name(recipe)}.parquet"

    def daily_credit(self, recipe: str) -> Path:
        """A table with the NDCG of each eligible listener by day, averaged over fits."""
        return self.data / "evaluation" / f"{_file_name(recipe)}.days.parquet"

    def recommendations(self, recipe: str) -> Path:
        """The evaluated lists of one fit, for the eligible listeners."""
        return self.data / "recommendations" / f"{_file_name(recipe)}.parquet"

    def metrics(self, recipe: str) -> Path:
        return self.data / "metrics" / f"{_file_name(recipe)}.json"

    def score_cost(self, recipe: str) -> Path:
        return self.data / "costs" / f"score-{_file_name(recipe)}.json"

    @property
    def decision(self) -> Path:
        return self.data / "decision.json"

    @property
    def pooled(self) -> Path:
        """A copy of night/earlier.parquet beside decision.json, which refers to it."""
        return self.data / "earlier.parquet"

    @property
    def decision_page(self) -> Path:
        """The decision page, HTML."""
        return self.data / "decision.html"

    @property
    def recipes_plot(self) -> Path:
        """Data for `dvc plots`: a row for each recipe."""
        return self.data / "plots" / "recipes.json"

    @property
    def final_model(self) -> Path:
        """The model to be served, with its id maps."""
        return self.data / "final" / "model"

    @property
    def fallback_model(self) -> Path:
        """The popular list, fitted on the same window."""
        return self.data / "final" / "popular"

    @property
    def refit_cost(self) -> Path:
        return self.data / "serving_costs" / "refit.json"

    @property
    def lists(self) -> Path:
        return self.data / "lists.parquet"

    @property
    def fallback(self) -> Path:
        return self.data / "fallback.parquet"

    @property
    def experiments(self) -> Path:
        """experiments.json: the estimate of each experiment up to the night, and those whose lists it makes."""
        return self.data / "experiments.json"

    def arm_model(self, recipe: str) -> Path:
        """The model of a challenger that an experiment shows, with its id maps."""
        return self.data / "final" / "arms" / recipe

    @property
    def arms(self) -> Path:
        """A table of the listeners to whom an experiment gives other lists."""
        return self.data / "arms.parquet"

    @property
    def recommend_cost(self) -> Path:
        return self.data / "serving_costs" / "recommend.json"

    @property
    def audit_report(self) -> Path:
        return self.data / "audit.json"


def _file_name(recipe: str) -> str:
    # One champion at most is carried. Its stages stand in dvc.yaml every night, so their files have one name.
    return CARRIED if is_carried(recipe) else recipe
