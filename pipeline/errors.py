"""One family of errors. Each says what was found, what was expected and what to do."""

EXIT_BAD_INPUT = 2
EXIT_INVALID = 3
EXIT_STAGE_FAILED = 4
EXIT_STALE = 5
"""`netgain status`: what is served is older than it should be."""
EXIT_UNSOUND = 6
"""`netgain doctor`: something is wrong that has to be mended."""
EXIT_TRANSIENT = 75
"""EX_TEMPFAIL of sysexits.h: nothing is wrong with the input, and the same command may pass in a while."""


class NetgainError(Exception):
    """Base of every error that a person can act on; the command prints it as one line, without a traceback."""

    exit_status = EXIT_BAD_INPUT

    def __init__(self, found: str, *, expected: str, fix: str) -> None:
        self.found, self.expected, self.fix = found, expected, fix
        super().__init__(f"{found}; expected {expected}. {fix}")

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders in Spark tasks; keyword-only arguments need help to be rebuilt.
        return _rebuild, (type(self), self.found, self.expected, self.fix)


def _rebuild(kind: type[NetgainError], found: str, expected: str, fix: str) -> NetgainError:
    return kind(found, expected=expected, fix=fix)


class ParamsError(NetgainError):
    """params.yaml or a command-line value is mistyped, unknown or out of range."""


class SettingsError(NetgainError):
    """The machine lacks something: Java, a folder, a reachable Spark master."""


class LandingError(NetgainError):
    """The landing folder is missing, empty, or a landed file changed after it was taken."""


class ValidationFailed(NetgainError):
    """Data that is there but must not be used: too much in quarantine, a suite that failed."""

    exit_status = EXIT_STAGE_FAILED


class TableError(NetgainError):
    """A stored table does not have the declared columns."""


class RecipeError(NetgainError):
    """A recipe cannot be fitted or loaded."""


class ReleaseError(NetgainError):
    """No release, an incomplete one, or one whose checksums do not match."""


class RecordError(NetgainError):
    """A record of a decision that cannot be made again as it stands."""


class StageFailed(NetgainError):
    """A stage of the night ended with an error; what was served before is still served."""

    exit_status = EXIT_STAGE_FAILED


class TransientError(NetgainError):
    """Something outside is away or taken: trying the same again can help, and schedulers do so for this alone."""

    exit_status = EXIT_TRANSIENT


class TrackingAway(TransientError):
    """MLflow does not answer, or refuses."""


class SparkLost(TransientError):
    """The Spark server or an executor went away under a task."""
