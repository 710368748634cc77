"""The errors that users can act on. Each says what was found, what was expected and how to fix it."""

EXIT_BAD_INPUT = 2
EXIT_INVALID = 3
EXIT_STAGE_FAILED = 4
EXIT_STALE = 5
"""`netgain status`: the served release is older than it should be."""
EXIT_UNSOUND = 6
"""`netgain doctor`: a check failed."""
EXIT_TRANSIENT = 75
"""EX_TEMPFAIL of sysexits.h: the input is fine, and the same command may succeed later."""


class NetgainError(Exception):
    """Base of every error that a user can act on; the command prints it on one line, without a traceback."""

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
    """The machine lacks something: Java, a folder, a reachable Spark master, disk space."""


class LandingError(NetgainError):
    """The landing folder is missing or empty, or a landed file changed after a night ingested it."""


class ValidationFailed(NetgainError):
    """The data exists but must not be used: too many quarantined rows, or a failed suite of expectations."""

    exit_status = EXIT_STAGE_FAILED


class TableError(NetgainError):
    """A stored table does not have the declared columns."""


class RecipeError(NetgainError):
    """A recipe cannot be fitted or loaded."""


class ReleaseError(NetgainError):
    """No release, an incomplete one, or one whose checksums do not match."""


class RecordError(NetgainError):
    """A decision record cannot be replayed."""


class StageFailed(NetgainError):
    """A stage of the night failed; the previous release is still served."""

    exit_status = EXIT_STAGE_FAILED


class TransientError(NetgainError):
    """An external service or a lock is unavailable. Retrying can help; schedulers retry this family alone."""

    exit_status = EXIT_TRANSIENT


class TrackingAway(TransientError):
    """MLflow does not answer, or refuses the request."""


class SparkLost(TransientError):
    """The Spark server or an executor was lost during a task."""
