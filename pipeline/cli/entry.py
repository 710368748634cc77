"""The command `netgain`: `stage` runs in the night's warm process if there is one, everything else in this process."""

import sys


def main() -> None:
    """Run the command. The commands, whose imports take a second, are imported only if they run in this process."""
    if sys.argv[1:2] == ["stage"]:
        from pipeline.runtime.warm_client import end_like, run_warm

        if (status := run_warm(sys.argv[1:])) is not None:
            end_like(status)
    from pipeline.cli.app import main as run

    run()
