"""Stage promote: the registry's alias `champion` follows what the night serves."""

from pipeline.io.tracking import promote_model
from pipeline.stages.context import Context
from pipeline.stages.record import model_digest


def run(context: Context) -> str:
    """Move `champion`, and `previous` behind it, where the served model is another one than before.

    Raises:
        TrackingAway: MLflow does not answer.
        SettingsError: the night was not recorded.
    """
    version, moved = promote_model(context.settings, model_digest(context.layout), context.as_of.isoformat())
    return f"champion is version {version}" + ("" if moved else ", as before")
