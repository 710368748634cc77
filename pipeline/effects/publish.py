"""Stage publish: build a release from the night's lists and serve it."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import NetgainError, ReleaseError
from pipeline.gate.champion import own_name
from pipeline.identity.tokens import OPEN_FINGERPRINT
from pipeline.releases.publishing import Contents
from pipeline.releases.publishing import publish as publish_release
from pipeline.releases.retention import retire
from pipeline.releases.rollback import withdrawn
from pipeline.runtime.code_version import git_commit
from pipeline.serving.contents import make_contents
from pipeline.serving.provenance import landed_files
from pipeline.stages.context import Context
from pipeline.stages.definitions import definition_of
from pipeline.state.lease import held
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import ARMS, LISTENER_MAP
from pipeline.storage.tables import read_table


def run(context: Context) -> str:
    """Publish the audited lists, and remove releases that are older than those that are kept; doing so again changes
    nothing.

    Raises:
        ReleaseError: the night is not finished, its lists were not audited, or what is served now is damaged.
        LeaseLost: a later night was opened meanwhile.
    """
    rolled_back = withdrawn(context.settings.state)
    release, served = publish_release(
        context.settings.releases,
        contents(context),
        withdrawn=rolled_back,
        guard=partial(held, context.settings.state, context.lease),
    )
    if not served:
        why = "it was rolled back" if release.id in rolled_back else "a later night's is"
        return f"release {release.id} is kept, not served: {why}{_retired(context, release.id)}"
    told = f"{release.manifest['n_listeners']} listeners, recipe {release.recipe}"
    return f"release {release.id} is served: {told}{serving_contents(context)[1]}{_retired(context, release.id)}"


def _retired(context: Context, spare: str) -> str:
    """Remove older releases, and return a clause for the stage's line. A failure is reported there, not raised."""
    try:
        gone = retire(context.settings.releases, keep=context.settings.keep_releases, spare=spare)
    except (NetgainError, OSError) as err:
        return f"; older ones could not be removed: {err.found if isinstance(err, NetgainError) else err}"
    return f"; {len(gone)} older removed" if gone else ""


def _definition(context: Context, serve: dict[str, Any]) -> str | None:
    """Return the definition of the served model; None for one that an earlier version released and that is kept."""
    if serve["source"] == "served":
        found: str | None = read_json(context.layout.served / "served.json").get("definition")
        return found
    return definition_of(context.params.recipes[serve["recipe"]])


def serving_contents(context: Context) -> tuple[dict[str, Path], str]:
    """Return what the server reads, by path inside the release, and a clause for the stage's line."""
    layout = context.layout
    return make_contents(
        layout.root / ".netgain" / "serving",
        lists=layout.lists,
        fallback=layout.fallback,
        window=layout.window,
        model=layout.final_model,
        arms=layout.arms if layout.arms.exists() and read_table(layout.arms, ARMS).num_rows else None,
    )


def newcomers_of(context: Context, recipe: str) -> dict[str, Any] | None:
    """Return how well the night measured a recipe for newcomers; None if it did not."""
    path = context.layout.metrics(recipe)
    found: dict[str, Any] | None = read_json(path).get("newcomers") if path.exists() else None
    return found


def contents(context: Context) -> Contents:
    """Return the contents of the night's release.

    Raises:
        ReleaseError: the lists did not pass their audit.
    """
    layout = context.layout
    if not all(suite["success"] for suite in read_json(layout.audit_report)["suites"]):
        raise ReleaseError("lists that failed their audit", expected="audited ones", fix=f"See {layout.audit_report}.")
    decision: dict[str, Any] = read_json(layout.decision)
    serve = decision["serve"]
    kept = serve["source"] == "served"
    return Contents(
        files={
            "lists.parquet": layout.lists,
            "fallback.parquet": layout.fallback,
            "model": layout.final_model,
            # A model that stays is compared next night by the fit that it was compared by before.
            "heldout": layout.served / "model" if kept else layout.model(serve["recipe"]) / "seed-0",
            **serving_contents(context)[0],
        },
        facts={
            "as_of": context.as_of.isoformat(),
            "recipe": own_name(serve["recipe"]),
            "definition": _definition(context, serve),
            "family": read_json(layout.final_model / "model.json")["family"],
            "id_key": read_json(layout.landing).get("id_key", OPEN_FINGERPRINT),
            "n_listeners": read_table(layout.window / "listeners.parquet", LISTENER_MAP).num_rows,
        },
        origin={
            "verdict": decision["verdict"],
            "sentence": decision["sentence"],
            "params": hashlib.sha256(context.params.model_dump_json().encode()).hexdigest(),
            "code": git_commit(layout.root),
            "parameters": context.params.model_dump(mode="json"),
            "landed": landed_files(read_json(layout.landing)),
            "newcomers": newcomers_of(context, serve["recipe"]),
        },
    )
