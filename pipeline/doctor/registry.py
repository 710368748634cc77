"""Checks that MLflow's alias `champion` names the served model. Serving does not read the alias; people do."""

from functools import partial

from pipeline.doctor.finding import Finding
from pipeline.effects.record import model_digest
from pipeline.errors import ReleaseError, TrackingAway
from pipeline.releases.release import Release, current
from pipeline.releases.rollback import rollback_entry
from pipeline.settings import Settings
from pipeline.state.outbox import waiting

CHECK = "registry"


def look(settings: Settings) -> list[Finding]:
    """Compare the alias with the served model by content. A pending rollback or outbox makes a difference a warning."""
    from pipeline.tracking.probe import StoreDamaged, probe
    from pipeline.tracking.runs import champion_of

    try:
        probe(settings.mlflow_uri)
    except StoreDamaged as err:
        return [Finding(CHECK, "fail", err.found, f"{err.fix} Serving does not depend on it.")]
    except TrackingAway as err:
        return [Finding(CHECK, "warn", err.found, f"{err.fix} Serving does not depend on it.")]
    try:
        release = current(settings.releases)
    except ReleaseError:
        return [Finding(CHECK, "ok", "not checked: no complete release is served")]
    try:
        version, is_served = champion_of(settings, model_digest(release.model))
    except TrackingAway as err:
        return [Finding(CHECK, "warn", err.found, f"{err.fix} Serving does not depend on it.")]
    if is_served:
        return [Finding(CHECK, "ok", f"champion is version {version}, the served model")]
    champion = f"version {version}" if version else "not set"
    why = _explained(settings, release)
    fix = "The next night moves the alias if it serves another model."
    message = f"champion is {champion}, but {release.id} is served{why}"
    return [Finding(CHECK, "warn" if why else "fail", message, fix, partial(_move, settings))]


def _explained(settings: Settings, release: Release) -> str:
    if waiting(settings.state):
        return " (the outbox has not been delivered)"
    return " (after a rollback)" if rollback_entry(settings.state, release.id) else ""


def _move(settings: Settings, _by: str) -> str:
    from pipeline.tracking.runs import promote_model

    release = current(settings.releases)
    version, _ = promote_model(settings, model_digest(release.model), release.as_of.isoformat(), back=True)
    return f"champion is version {version}, the served model"
