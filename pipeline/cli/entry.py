"""The command `netgain`: `stage` is handed to the night's warm process if there is one, all else runs here."""

import sys


def main() -> None:
    """Entry point. Imports the commands, and with them a second of libraries, only if they run in this process."""
    if sys.argv[1:2] == ["stage"]:
        from pipeline.runtime.warm_client import end_like, run_warm

        if (status := run_warm(sys.argv[1:])) is not None:
            end_like(status)
    from pipeline.cli.app import main as run

    run()
