"""Whether MLflow's alias `champion` names what CURRENT serves. Nothing reads it to serve; people do."""

from functools import partial

from pipeline.doctor.finding import Finding
from pipeline.effects.record import model_digest
from pipeline.errors import ReleaseError, TrackingAway
from pipeline.releases.release import Release, current
from pipeline.releases.rollback import gone_back_to
from pipeline.settings import Settings
from pipeline.state.outbox import waiting

CHECK = "registry"


def look(settings: Settings) -> list[Finding]:
    """By the content of the model. A difference that a rollback or the outbox explains is a warning."""
    from pipeline.tracking.runs import champion_of

    try:
        release = current(settings.releases)
    except ReleaseError:
        return [Finding(CHECK, "ok", "not looked at: nothing whole is served")]
    try:
        version, is_served = champion_of(settings, model_digest(release.model))
    except TrackingAway as err:
        return [Finding(CHECK, "warn", err.found, f"{err.fix} What is served does not need it.")]
    if is_served:
        return [Finding(CHECK, "ok", f"champion is version {version}, which is served")]
    told = f"champion is {f'version {version}' if version else 'nothing'}, and {release.id} is served"
    why = _explained(settings, release)
    fix = "The next night moves it, where it serves another model."
    return [Finding(CHECK, "warn" if why else "fail", f"{told}{why}", fix, partial(_move, settings))]


def _explained(settings: Settings, release: Release) -> str:
    if waiting(settings.state):
        return ": the outbox has not been delivered"
    return ": it was gone back to" if gone_back_to(settings.state, release.id) else ""


def _move(settings: Settings, _by: str) -> str:
    from pipeline.tracking.runs import promote_model

    release = current(settings.releases)
    version, _ = promote_model(settings, model_digest(release.model), release.as_of.isoformat(), back=True)
    return f"champion is version {version}, which is served"
