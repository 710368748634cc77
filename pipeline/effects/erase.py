"""Stage erase: remove the listeners with a pending request from all files, and write a certificate."""

from pipeline.erasure.carry_out import after_night, certificate_line
from pipeline.logs.landing import read_landing
from pipeline.stages.context import Context
from pipeline.storage.json_files import read_json


def run(context: Context) -> str:
    """Complete the erasures that the night has begun; nothing happens without requests.

    Raises:
        ErasureFailed: data of one of the listeners is left.
    """
    layout = context.layout
    certificate = after_night(
        context.settings,
        read_landing(layout.landing, workspace=layout.root),
        root=read_json(layout.landing)["root"],
        report=read_json(layout.ingest_report),
        as_of=context.as_of.isoformat(),
    )
    return "no erasure is pending" if certificate is None else certificate_line(certificate)
