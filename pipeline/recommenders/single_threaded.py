"""The machine's dense linear algebra."""

from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[object]:
    """BLAS on one thread until the block ends: how it divides a product among several is part of its last bits."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits
