"""Threads of dense linear algebra."""

from contextlib import AbstractContextManager


def single_threaded_blas() -> AbstractContextManager[object]:
    """Limit BLAS to one thread until the block ends.

    How BLAS divides a product among threads changes the last bits of the result.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits
