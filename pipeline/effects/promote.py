"""Stage promote: point the model registry's alias `champion` to the model that the night serves."""

from pipeline.effects.publish import contents
from pipeline.effects.record import model_digest, night_key, sent_or_waits
from pipeline.releases.publishing import release_id
from pipeline.stages.context import Context
from pipeline.state.outbox import put, waiting


def run(context: Context) -> str:
    """Move `champion`, and set `previous` to the model before it, if another model is served than before.

    The alias is for people: nothing reads it. If MLflow cannot be reached, the promotion waits in the outbox, behind
    the night's record.

    Raises:
        NotRecorded: the model is neither in the registry nor in the outbox.
        SettingsError: the promotion could not be written to the outbox.
    """
    settings = context.settings
    key = night_key(context, release_id(contents(context)))
    # Entries that wait have just been tried; another attempt would only delay the night. A waiting promotion of this
    # night does not count: an earlier run that was killed may have left it.
    behind = any((entry.kind, entry.key) != ("promote", key) for entry in waiting(settings.state))
    entry = put(settings.state, "promote", key, {"digest": model_digest(context.layout.final_model)}, {})
    if behind:
        return f"the alias of {context.as_of} waits in the outbox, behind what is there"
    return sent_or_waits(settings, entry, "the alias")
