"""What a release gains for serving: the index, each listener's favourites, and a model for newcomers."""

from pathlib import Path

from pipeline.errors import RecipeError
from pipeline.runtime.code_closure import code_digest
from pipeline.serving.arms import TABLE, Arms, arms_beside
from pipeline.serving.build import write_index
from pipeline.serving.favourites import favourites_of
from pipeline.serving.layout import FILE, FOLDER
from pipeline.serving.newcomers import write_newcomers
from pipeline.storage.cache import Cache, Result, key_of
from pipeline.storage.checksums import digests
from pipeline.storage.schemas import FAVOURITES
from pipeline.storage.tables import write_table

FAVOURITES_FILE = "favourites.parquet"


def make_contents(
    cache: Path, *, lists: Path, fallback: Path, window: Path, model: Path, arms: Path | None = None
) -> tuple[dict[str, Path], str]:
    """Return what serving needs, from a cache of the latest night; the same inputs give the same bytes.

    Args:
        cache: folder of the cache.
        lists: LISTS of the night.
        fallback: FALLBACK of the night.
        window: the folder of the window's interactions.
        model: the model to be served.
        arms: ARMS of the night's experiments; None without any.

    Returns:
        Sources by path inside the release, and a clause for the stage's line: why newcomers cannot be folded in, or
        nothing.

    Raises:
        TableError: a table of the night is missing.
    """
    sources = {"lists": lists, "fallback": fallback, "window": window, "model": model}
    inputs = digests(sources if arms is None else {**sources, "arms": arms})
    key = key_of({"inputs": inputs, "code": code_digest(__name__)})
    store = Cache(cache)

    def build(folder: Path) -> Result:
        write_table(folder / FAVOURITES_FILE, favourites_of(window), FAVOURITES)
        found, own = None if arms is None else Arms(arms), folder / FAVOURITES_FILE
        write_index(folder / FOLDER / FILE, lists=lists, fallback=fallback, favourites=own, arms=found)
        if found is not None:
            found.write(folder / FOLDER)
        return {"newcomers": _add_newcomers(folder / FOLDER, model)}

    if (made := store.find(key)) is None:
        made = store.make(key, build)
        store.forget_others([key])
    folder = store.at(key)
    made_here = {name: folder / name for name in (FOLDER, FAVOURITES_FILE)}
    return made_here | ({} if arms is None else {TABLE: arms}), str(made["newcomers"])


def _add_newcomers(folder: Path, model: Path) -> str:
    try:
        if write_newcomers(folder, model):
            return ""
    except RecipeError:  # lists matter more than newcomers
        return "; newcomers get the fallback list: the model cannot be loaded"
    return "; newcomers get the fallback list: the family cannot fold in"


def index_anew(release: Path) -> None:
    """Write the index of a release folder again from its tables, after listeners were removed from them."""
    if (release / FOLDER).is_dir():
        arms = arms_beside(release)
        write_index(
            release / FOLDER / FILE,
            lists=release / "lists.parquet",
            fallback=release / "fallback.parquet",
            favourites=release / FAVOURITES_FILE,
            arms=arms,
        )
        if arms is not None:
            arms.write(release / FOLDER)
