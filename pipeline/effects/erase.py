"""Stage erase: remove the listeners with a pending request from all files, and write a certificate."""

from pipeline.erasure.carry_out import after_night
from pipeline.erasure.certificate import certificate_line
from pipeline.identity.key import own_key
from pipeline.logs.landing import read_landing, require_night_key
from pipeline.stages.context import Context
from pipeline.storage.json_files import read_json


def run(context: Context) -> str:
    """Complete the erasures that the night has begun; nothing happens without requests.

    Raises:
        ErasureFailed: data of one of the listeners is left.
        SettingsError: the key is not the night's.
    """
    layout, key = context.layout, own_key(context.settings)
    landing = read_landing(layout.landing, workspace=layout.root)
    require_night_key(landing, key)
    certificate = after_night(
        context.settings,
        landing,
        root=read_json(layout.landing)["root"],
        report=read_json(layout.ingest_report),
        as_of=context.as_of.isoformat(),
        key=key,
    )
    return "no erasure is pending" if certificate is None else certificate_line(certificate)
