"""Stage promote: the registry's alias `champion` follows what the night serves."""

from pipeline.io.outbox import put, waiting
from pipeline.io.publishing import release_id
from pipeline.stages.context import Context
from pipeline.stages.publish import contents
from pipeline.stages.record import model_digest, night_key, sent_or_waits


def run(context: Context) -> str:
    """Move `champion`, and `previous` behind it, where the served model is another one than before.

    The alias tells what is served, and nothing reads it: where MLflow is away it moves after the record does.

    Raises:
        NotRecorded: the model is neither in the registry nor in the outbox.
        SettingsError: the promotion could not even be kept here.
    """
    settings = context.settings
    # What waits has just been tried; trying again would only make the night wait once more.
    behind = bool(waiting(settings.ledger))
    key = night_key(context, release_id(contents(context)))
    entry = put(settings.ledger, "promote", key, {"digest": model_digest(context.layout.final_model)}, {})
    if behind:
        return f"the alias of {context.as_of} waits in the outbox, behind what is there"
    return sent_or_waits(settings, entry, "the alias")
