"""Measures folding new listeners and plays into a model, beside fitting the model again.

    python bench/fold_in.py            # into bench/results/fold_in.json and fold_in.png

Simulated listeners. A model is fitted on the days up to a day D, without every tenth listener, who comes after it. One,
seven and fourteen days later its lists are measured on the week that follows, by the code of a night: the model as it
was, the model with everything since folded in, and one that is fitted on all days. Whoever D did not know is new.
"""

import argparse
import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.configuration import Params, load_params
from pipeline.features.fold_in import weights_by_items_of
from pipeline.features.interactions import build_interactions, load_interactions, save_interactions
from pipeline.features.lists import Mapped, fill, model_lists, popularity, rows_of
from pipeline.features.splitting import relevant_items, split_by_time
from pipeline.features.tuning import load_tuning
from pipeline.gate.comparison import compare, seed_variance
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.cost import Cost
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.recommenders.registry import FAMILIES
from pipeline.recommenders.storage import load_recommender
from pipeline.stages.fit import FitTask, fit_kernel
from pipeline.stages.fold_in import FoldTask, fold_kernel
from pipeline.storage.schemas import DAILY, ITEM_MAP, ITEMS, LISTENER_MAP, RELEVANT
from pipeline.storage.tables import read_table, write_table
from pipeline.tuning.spaces import start_of

ROOT = Path(__file__).resolve().parents[1]
START = dt.date(2026, 1, 1)
WEEK = 7
RECIPES = ("als", "ials", "rp3beta", "item_knn")

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Later:
    """The state some days after D.

    Attributes:
        days: so many.
        folder: interactions and id maps of all days before, and relevant.parquet of the week that follows.
        rows: of who played something new in that week.
        is_new: bool, aligned with `rows`: whom D did not know.
        popular: the popular list, fitted on the same days.
    """

    days: int
    folder: Path
    rows: npt.NDArray[np.int32]
    is_new: npt.NDArray[np.bool_]
    popular: Path


def counted_days(place: Path, *, listeners: int, days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Run simulated logs through the stages of a night; return plays by day, listener and item, and item names."""
    from pipeline.nightly.opening import open_night
    from pipeline.settings import load_settings
    from pipeline.simulation.simulate import simulate
    from pipeline.stages import ingest, prepare, validate

    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(ROOT / name, place / name)
    simulate(n_listeners=listeners, n_days=days, seed=1, start=START, out=place / "landing")
    settings = load_settings({"NETGAIN_ENGINE": "inprocess"}, workspace=place)
    context = open_night(settings, as_of=START + dt.timedelta(days=days), log_format="netgain", logs=None)
    for stage in (ingest, validate, prepare):
        print(stage.run(context), flush=True)
    layout = context.layout
    return pl.DataFrame(read_table(layout.daily, DAILY)), pl.DataFrame(read_table(layout.items, ITEMS))


def write_fold(folder: Path, daily: pl.DataFrame, names: pl.DataFrame, until: dt.date, params: Params) -> None:
    """Return interactions and id maps of the days before `until`."""
    made = build_interactions(
        daily.filter(pl.col("day") < until),
        names,
        until=until,
        half_life_days=params.interactions.half_life_days,
        min_listeners_per_item=params.interactions.min_listeners_per_item,
    )
    save_interactions(folder, made)


def look_at(
    place: Path, daily: pl.DataFrame, names: pl.DataFrame, *, base: Path, at: dt.date, days: int, params: Params
) -> Later:
    """Return the days before `at`, the week after it, and the listeners that are new since `base`."""
    folder, until = place / f"after-{days}", at + dt.timedelta(days=WEEK)
    write_fold(folder, daily, names, at, params)
    split = split_by_time(daily, first=START, decision_from=at, as_of=until)
    write_table(folder / "relevant.parquet", relevant_items(split, only_new=True).to_arrow(), RELEVANT)
    rows = np.flatnonzero(load_tuning(folder, only_new=True).n_relevant > 0).astype(np.int32)
    ids, known = (read_table(each / "listeners.parquet", LISTENER_MAP)["listener_id"] for each in (folder, base))
    popular = place / f"popular-{days}"
    fit_kernel(FitTask(folder, popular, params.recipes["popular"], (0,)))
    return Later(days, folder, rows, rows_of(ids, known)[rows] < 0, popular)


def served_ndcg(model: Path, later: Later, k: int) -> Values:
    """Return NDCG@k of each listener of `later.rows` for the lists as served, with short ones filled up."""
    ids = {name: (read_table(f / "items.parquet", ITEM_MAP), read_table(f / "listeners.parquet", LISTENER_MAP))
           for name, f in (("model", model), ("night", later.folder), ("popular", later.popular))}  # fmt: skip
    items, listeners = ids["night"]
    mapped = Mapped(
        listener_row=rows_of(listeners["listener_id"], ids["model"][1]["listener_id"]),
        item_row=rows_of(items["item_id"], ids["model"][0]["item_id"]),
        window_item=rows_of(ids["model"][0]["item_id"], items["item_id"]),
    )
    top = load_recommender(later.popular).recommend(np.zeros(1, np.int32), k=items.num_rows)
    popular = popularity(top, rows_of(ids["popular"][0]["item_id"], items["item_id"]), items["n_listeners"].to_numpy())
    tuning = load_tuning(later.folder, only_new=True)
    heard = load_interactions(later.folder).weights[later.rows]
    lists = fill(model_lists(load_recommender(model).recommend, mapped, later.rows, heard, k=k), heard, popular)
    return ndcg(hit_matrix(lists.items, tuning.relevant[later.rows]), tuning.n_relevant[later.rows])


def difference(ours: Values, theirs: Values, *, stochastic: tuple[bool, bool]) -> dict[str, float]:
    """Return the difference ours − theirs, paired by listener; shapes (n_seeds, n_listeners)."""
    seeds = [seed_variance(v, deterministic=not s) for v, s in zip((ours, theirs), stochastic, strict=True)]
    found = compare(ours, theirs, challenger_seeds=seeds[0], champion_seeds=seeds[1])
    return {"delta": found.delta, "se": found.se}


def measure(
    name: str, laters: Sequence[Later], place: Path, *, base: Path, params: Params, n_seeds: int
) -> list[dict[str, Any]]:
    """Return a row for each point in time, for one recipe."""
    recipe, k = start_of(params, name), params.evaluation.k
    stochastic = FAMILIES[recipe.family].stochastic
    seeds = range(n_seeds if stochastic else 1)

    def fits(source: Path, to: str) -> list[tuple[Path, Cost]]:
        tasks = [FitTask(source, place / name / f"{to}-{seed}", recipe, (seed,)) for seed in seeds]
        return [(task.model, Cost.from_dict(fit_kernel(task))) for task in tasks]

    kept = fits(base, "base")
    rows = []
    for later in laters:
        full, folded = fits(later.folder, f"full-{later.days}"), []
        for seed, (model, _) in enumerate(kept):
            task = FoldTask(model, later.folder, place / name / f"folded-{later.days}-{seed}")
            folded.append((task.model, Cost.from_dict(fold_kernel(task)["cost"])))
        models = {"full": full, "folded": folded, "kept": kept}
        values: Mapping[str, Values] = {
            **{what: np.stack([served_ndcg(model, later, k) for model, _ in made]) for what, made in models.items()},
            "popular": served_ndcg(later.popular, later, k)[None],
        }
        row: dict[str, Any] = {"recipe": name, "days": later.days, "k": k}
        for who, chosen in (("returning", ~later.is_new), ("new", later.is_new)):
            of = {what: v[:, chosen] for what, v in values.items()}
            row[who] = {"n": int(chosen.sum()), "ndcg": {what: float(v.mean()) for what, v in of.items()}}
            for other in ("full", "kept", "popular"):
                both = (stochastic, stochastic and other != "popular")
                row[who][f"folded_minus_{other}"] = difference(of["folded"], of[other], stochastic=both)
        for what, made in (("full", full), ("folded", folded)):
            row[f"{what}_cpu_seconds"] = float(np.median([cost.cpu_seconds for _, cost in made]))
        plays = load_interactions(later.folder).weights.nnz
        row["pairs_left_out"] = 1 - weights_by_items_of(kept[0][0], later.folder).nnz / plays
        rows.append(row)
        print(_line(row), flush=True)
    return rows


def _line(row: Mapping[str, Any]) -> str:
    parts = [f"{row['recipe']:9s} {row['days']:3d} d"]
    for who in ("returning", "new"):
        of, loss = row[who]["ndcg"], row[who]["folded_minus_full"]
        told = " ".join(f"{what} {value:.4f}" for what, value in of.items())
        parts.append(f"{who} ({row[who]['n']}): {told}; folded − full {loss['delta']:+.4f} ± {loss['se']:.4f}")
    parts.append(f"CPU {row['folded_cpu_seconds']:.2f} s by {row['full_cpu_seconds']:.2f} s")
    return " | ".join(parts)


def draw(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Plot NDCG over days since the fit, a panel for each recipe and kind of listener."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(row["recipe"] for row in rows))
    looks = {"full": "fitted again", "folded": "folded in", "kept": "as it was", "popular": "popular list"}
    colours = {"full": "#1f2937", "folded": "#0f766e", "kept": "#b45309", "popular": "#9ca3af"}
    figure, axes = plt.subplots(2, len(names), figsize=(3 * len(names), 5.5), sharex=True, sharey="row", squeeze=False)
    for column, name in enumerate(names):
        mine = [row for row in rows if row["recipe"] == name]
        days = [row["days"] for row in mine]
        for place, who in zip(axes[:, column], ("returning", "new"), strict=True):
            for what, label in looks.items():
                if who == "new" and what == "kept":  # it does not know them: the popular list
                    continue
                ndcgs = [row[who]["ndcg"][what] for row in mine]
                place.plot(days, ndcgs, marker="o", ms=4, lw=1.5, label=label, color=colours[what])
            place.set_title(f"{name}, {who}", loc="left", fontsize=9)
            place.set_xticks(days)
        axes[1, column].set_xlabel("days since the fit")
    for row_axes in axes:
        row_axes[0].set_ylabel(f"NDCG@{rows[0]['k']}")
        row_axes[0].set_ylim(bottom=0)  # last: it ends the scaling of the whole row
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=3000)
    parser.add_argument("--fitted-days", type=int, default=28)
    parser.add_argument("--later", type=int, nargs="+", default=[1, 7, 14])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "fold_in.json")
    given = parser.parse_args()
    params, fitted = load_params(ROOT / "params.yaml"), START + dt.timedelta(days=given.fitted_days)
    with tempfile.TemporaryDirectory(prefix="netgain-bench-") as name:
        place = Path(name)
        n_days = given.fitted_days + max(given.later) + WEEK
        print(f"simulating {given.listeners} listeners over {n_days} days", flush=True)
        daily, names = counted_days(place, listeners=given.listeners, days=n_days)
        everybody = daily["listener_id"].unique().sort()
        late = (pl.col("day") < fitted) & pl.col("listener_id").is_in(everybody.gather_every(10).implode())
        daily = daily.filter(~late)
        base = place / "base"
        write_fold(base, daily, names, fitted, params)
        laters = [
            look_at(place, daily, names, base=base, at=fitted + dt.timedelta(days=days), days=days, params=params)
            for days in given.later
        ]
        rows = [
            row
            for name in given.recipes
            for row in measure(name, laters, place, base=base, params=params, n_seeds=given.seeds)
        ]
    about = {"listeners": given.listeners, "fitted_days": given.fitted_days, "seeds": given.seeds}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    draw(given.out.with_suffix(".png"), rows)


if __name__ == "__main__":
    main()
