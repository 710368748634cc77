"""Opens a night: checks its inputs and writes them down before any stage runs."""

import datetime as dt
import signal
from pathlib import Path

import yaml

from pipeline.configuration import Params, load_params
from pipeline.dvcfile.write import follow_recipes, lacks_recipes
from pipeline.erasure.carry_out import before_night
from pipeline.erasure.requests import erased
from pipeline.features.royalties import FILE as ROYALTIES_FILE
from pipeline.features.royalties import read_csv, write_royalties
from pipeline.gate.refresh import OVER_POPULAR, REFRESH
from pipeline.identity.tokens import fingerprint
from pipeline.json_values import as_json
from pipeline.logs.inventory import survey
from pipeline.logs.manifest import findings, refuse
from pipeline.logs.pseudonyms import PrivacyRules
from pipeline.logs.replay import with_replayed
from pipeline.nightly.champion import standing_champion
from pipeline.nightly.dvc import unblock_dvc
from pipeline.nightly.dvc_lock import require_lock
from pipeline.nightly.names import keep_key, night_key
from pipeline.nightly.workspace_lock import require_free, take_over
from pipeline.online.running import Running
from pipeline.releases.recovery import fault, recover
from pipeline.releases.release import snapshot_served
from pipeline.releases.required_state import require_state
from pipeline.releases.shared import take
from pipeline.serving.segments import recover as recover_segments
from pipeline.settings import Settings
from pipeline.stages.champion import read_champion, write_champion
from pipeline.stages.context import Context
from pipeline.stages.definitions import definition_of
from pipeline.stages.fingerprints import entrants, memory_key, night_inputs, recipe_digests
from pipeline.stages.layout import Layout
from pipeline.state.experiments import tonights
from pipeline.state.ledger import history
from pipeline.storage.atomic import atomic_path
from pipeline.storage.json_files import write_json
from pipeline.storage.orphans import remove_orphans
from pipeline.storage.schemas import INFLUENCE
from pipeline.storage.tables import write_table
from pipeline.terminal import tell


def open_night(settings: Settings, *, as_of: dt.date, log_format: str, logs: Path | None) -> Context:
    """Check the night's inputs and write night/: as_of, the landed files with checksums, the served model, the champion
    and the state that earlier nights leave.

    Nothing is written before all inputs are checked, and files whose content would not change are not rewritten.

    Args:
        as_of: the night; its first instant is the first that the night may not see.
        log_format: the name of a format in pipeline/logs.
        logs: the folder of landed files, or one file; the default is the landing root of the settings.

    Raises:
        NetgainError: a parameter, the format, the landing folder or the state database is invalid, or a landed file
            differs from what an earlier night ingested.
        NightRunning: a night of another owner, or a stage of an earlier night, is running.
    """
    take(settings)
    require_state(settings)
    require_free(settings)
    require_lock(settings.workspace)
    layout, params, stale = check_workspace(settings)
    prices = read_csv(layout.root / ROYALTIES_FILE)
    key = night_key(settings)
    root = logs if logs is not None else settings.landing
    recover_segments(root)
    privacy = PrivacyRules(key, erased(settings.state))
    before_night(settings, root=root if root.is_dir() else root.parent, format=log_format, privacy=privacy)
    surveyed = survey(root, log_format, cache=settings.landing_cache, workspace=settings.workspace, privacy=privacy)
    inventory = surveyed.inventory
    for note in surveyed.notes:
        tell(note)
    since = as_of - dt.timedelta(days=params.interactions.history_days)
    root = settings.workspace / inventory["root"]
    refuse(findings(settings.state, inventory, root=root, needed_from=since, key=key))
    running = experiments_of(settings, params, as_of=as_of, key=key)
    lease = take_over(settings, as_of=as_of.isoformat())
    keep_key(settings, key)
    unblock_dvc(settings)
    if stale:
        follow_recipes(settings.workspace, params)
    _serve_again(settings)
    remove_orphans(layout.data, layout.night.parent)
    write_json(layout.landing, with_replayed(inventory, settings.state))
    with atomic_path(layout.night) as temporary:
        temporary.write_text(yaml.safe_dump({"as_of": as_of.isoformat()}), encoding="utf-8")
    write_royalties(layout.royalties, prices, usual=params.economics.prices.royalty_per_play)
    snapshot_served(settings.releases, as_of, layout.served)
    write_champion(layout.champion, standing_champion(settings.state, layout.served, params, as_of=as_of))
    params, champion = read_champion(layout.champion, params)
    inputs = night_inputs(layout, params)
    context = Context(params, as_of, layout, settings, lease, champion)
    memory = memory_key(params, champion)
    known, earlier = history(
        settings.state,
        as_of=as_of,
        inputs=inputs,
        recipes=recipe_digests(params),
        entrants=entrants(params, champion),
        memory={REFRESH: memory, OVER_POPULAR: memory},
        decision_from=context.decision_from,
        max_entrants=params.gate.max_entrants,
    )
    write_json(layout.opened_experiments, {"experiments": [each.model_dump(mode="json") for each in running]})
    write_table(layout.earlier, earlier, INFLUENCE)
    write_json(layout.history, as_json(known) | {"inputs": inputs})
    return context


def experiments_of(settings: Settings, params: Params, *, as_of: dt.date, key: bytes) -> list[Running]:
    """Return the experiments of a night, see `pipeline.state.experiments.tonights`.

    Raises:
        ParamsError: one that is asked for is not declared, or does not fit beside the others.
    """

    def definition(recipe: str) -> str | None:
        found = params.recipes.get(recipe)
        return None if found is None else definition_of(found)

    names = key, fingerprint(key)
    return tonights(settings.state, params.experiments, as_of=as_of, key=names, definition_of=definition)


def _serve_again(settings: Settings) -> None:
    """Serve the newest complete release if CURRENT is damaged, and print it: the night needs its predecessor."""
    if (wrong := fault(settings.releases)) is not None:
        release = recover(settings.releases, settings.state, by="netgain night")
        now = "no release is complete, so none is served" if release is None else f"now serving release {release.id}"
        tell(f"no complete release was served ({wrong}); {now}")


def check_workspace(settings: Settings) -> tuple[Layout, Params, bool]:
    """Return the paths and parameters of a workspace, and whether its dvc.yaml must be written anew for its recipes.

    A scheduler has drawn the tasks of its run from dvc.yaml already, so a run with an owner never writes it.

    Raises:
        ParamsError: params.yaml or dvc.yaml is missing or faulty, or their recipes differ and dvc.yaml may not be
            written.
    """
    layout = Layout(settings.workspace)
    params = load_params(layout.params)
    stale = lacks_recipes(settings.workspace / "dvc.yaml", params, may_write=settings.owner is None)
    return layout, params, stale


def interrupt_as_exit() -> None:
    """Handle SIGTERM like Ctrl-C, so that locks and servers are released."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
