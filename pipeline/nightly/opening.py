"""Open a night: write down what it reads before anything runs."""

import datetime as dt
import signal
import sys
from functools import partial
from pathlib import Path

import yaml

from pipeline.erasure.carry_out import before_night
from pipeline.erasure.requests import erased
from pipeline.errors import ParamsError
from pipeline.graph import read_stages
from pipeline.json_values import as_json
from pipeline.logs.landing import take_inventory
from pipeline.logs.manifest import findings, refuse
from pipeline.logs.pseudonyms import Door
from pipeline.logs.replay import with_replayed
from pipeline.nightly.dvc import unblock_dvc
from pipeline.nightly.workspace_lock import require_free, take_over
from pipeline.params import Params, load_params
from pipeline.releases.recovery import fault, recover
from pipeline.releases.release import snapshot_served
from pipeline.releases.required_state import require_state
from pipeline.settings import Settings
from pipeline.stages.context import Context
from pipeline.stages.fingerprints import night_inputs, pair_key, recipe_digests
from pipeline.stages.layout import Layout
from pipeline.state.ledger import history
from pipeline.storage.orphans import sweep
from pipeline.storage.tables import INFLUENCE, atomic_path, write_json, write_table


def open_night(settings: Settings, *, as_of: dt.date, log_format: str, logs: Path | None) -> Context:
    """Check the night's inputs and write night/: as_of, the landed files with checksums, the served model, and what
    earlier nights leave to this one.

    Nothing is written before all inputs are known to be good, and files that would not change are left alone.

    Args:
        as_of: the night; its first instant is the first that it may not see.
        log_format: name of a format of pipeline/logs.
        logs: folder of the landed files, or one file; default: the landing root of the settings.

    Raises:
        NetgainError: a parameter, the format, the landing folder or the state database is not as it should be, or a
            landed file is not what an earlier night took.
        NightRunning: a night of another owner, or a stage of an earlier one, is at work here.
    """
    require_state(settings)
    require_free(settings)
    layout, params = check_workspace(settings)
    root = logs if logs is not None else settings.landing
    before_night(settings, root=root if root.is_dir() else root.parent, format=log_format)
    door = Door(settings.id_key, erased(settings.state))
    inventory = take_inventory(root, log_format, cache=settings.landing_cache, workspace=settings.workspace, door=door)
    since = as_of - dt.timedelta(days=params.interactions.history_days)
    refuse(findings(settings.state, inventory, root=settings.workspace / inventory["root"], needed_from=since))
    lease = take_over(settings, as_of=as_of.isoformat())
    unblock_dvc(settings)
    _serve_again(settings)
    sweep(layout.data, layout.night.parent)
    write_json(layout.landing, with_replayed(inventory, settings.state))
    with atomic_path(layout.night) as temporary:
        temporary.write_text(yaml.safe_dump({"as_of": as_of.isoformat()}), encoding="utf-8")
    snapshot_served(settings.releases, as_of, layout.served)
    inputs = night_inputs(layout, params)
    known, earlier = history(
        settings.state,
        as_of=as_of,
        inputs=inputs,
        recipes=recipe_digests(params),
        pair_key=partial(pair_key, params),
    )
    write_table(layout.earlier, earlier, INFLUENCE)
    write_json(layout.history, as_json(known) | {"inputs": inputs})
    return Context(params, as_of, layout, settings, lease)


def _serve_again(settings: Settings) -> None:
    """Recover from a CURRENT that names no complete release, and report it: the night needs what was served before."""
    if (wrong := fault(settings.releases)) is not None:
        release = recover(settings.releases, settings.state, by="netgain night")
        now = "nothing is, for no release is whole" if release is None else f"release {release.id} is"
        print(f"netgain: nothing whole was served ({wrong}): now {now}", file=sys.stderr)  # noqa: T201


def check_workspace(settings: Settings) -> tuple[Layout, Params]:
    """Return the parameters of a workspace, checked against its dvc.yaml.

    Raises:
        ParamsError: a file is missing or faulty, or the two disagree.
    """
    layout = Layout(settings.workspace)
    params = load_params(layout.params)
    check_recipes(set(params.recipes), settings.workspace / "dvc.yaml")
    return layout, params


def check_recipes(names: set[str], dvc_yaml: Path) -> None:
    """Check that params.yaml and dvc.yaml name the same recipes.

    Raises:
        ParamsError: a recipe is in only one of them.
    """
    staged = {stage.name.removeprefix("fit@") for stage in read_stages(dvc_yaml) if stage.name.startswith("fit@")}
    for name in sorted(names ^ staged):
        here, there = ("params.yaml", "dvc.yaml") if name in names else ("dvc.yaml", "params.yaml")
        raise ParamsError(
            f"the recipe {name!r} is in {here} alone",
            expected="each recipe in both files",
            fix=f"Add it to {there} (see docs/how-to/add-a-recommender.md), or remove it.",
        )


def interrupt_as_exit() -> None:
    """Have SIGTERM end a night the way Ctrl-C does, so that locks and servers are released."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
