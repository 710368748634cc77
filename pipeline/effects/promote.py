"""Stage promote: the registry's alias `champion` follows what the night serves."""

from pipeline.effects.publish import contents
from pipeline.effects.record import model_digest, night_key, sent_or_waits
from pipeline.releases.publishing import release_id
from pipeline.stages.context import Context
from pipeline.state.outbox import put, waiting


def run(context: Context) -> str:
    """Move `champion`, and `previous` behind it, where the served model is another one than before.

    The alias tells what is served, and nothing reads it: where MLflow is away it moves after the record does.

    Raises:
        NotRecorded: the model is neither in the registry nor in the outbox.
        SettingsError: the promotion could not even be kept here.
    """
    settings = context.settings
    key = night_key(context, release_id(contents(context)))
    # What waits has just been tried; trying again would only make the night wait once more. The promotion itself may be
    # what a kill left here.
    behind = any((entry.kind, entry.key) != ("promote", key) for entry in waiting(settings.state))
    entry = put(settings.state, "promote", key, {"digest": model_digest(context.layout.final_model)}, {})
    if behind:
        return f"the alias of {context.as_of} waits in the outbox, behind what is there"
    return sent_or_waits(settings, entry, "the alias")
