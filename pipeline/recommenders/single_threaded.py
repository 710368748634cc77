"""The number of threads of BLAS."""

from contextlib import AbstractContextManager


def single_threaded_blas() -> AbstractContextManager[object]:
    """Return a context that limits BLAS to one thread.

    With several threads, the last bits of a product depend on how BLAS divides the work.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits
