"""Compiled exact least squares for the rows of a factorisation, one at a time, with LAPACK.

A Python loop over rows would spend more time on calls than on arithmetic, and Numba's `solve` does not use Cholesky for
symmetric matrices. So compiled code calls the LAPACK routines that SciPy is linked with, by their addresses.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]  # ships no types
from numba.core import cgutils, types
from numba.extending import get_cython_function_address, intrinsic

SYRK = get_cython_function_address("scipy.linalg.cython_blas", "ssyrk")
POSV = get_cython_function_address("scipy.linalg.cython_lapack", "sposv")

# Numba's cache is invalidated by changes to this file only: everything that compiled code uses must be defined here.
CHUNK = 512
"""Plays of a row that are gathered at once: at 256 factors they are 512 KiB, which stays in a core's second cache."""

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@intrinsic  # type: ignore[untyped-decorator]  # Numba ships no types
def _call(_context: Any, address: Any, pointers: Any) -> Any:
    """Call a Fortran routine, which takes every argument by its address.

    The routine's own address is an argument too: with a constant address, Numba could not cache the compiled code."""
    n = len(pointers)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        routine = builder.inttoptr(arguments[0], ir.FunctionType(ir.VoidType(), [pointer] * n).as_pointer())
        each = cgutils.unpack_tuple(builder, arguments[1], n)
        builder.call(routine, [builder.inttoptr(value, pointer) for value in each])
        return context.get_dummy_value()

    return types.void(types.intp, types.UniTuple(types.intp, n)), generate  # type: ignore[attr-defined]  # made at run time


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _gather(columns: I32, weights: F32, fixed: F32, shrink: F32, b: F32) -> None:
    """Write the first rows of B: √w v D^−½ for each play."""
    for i in range(columns.shape[0]):
        vector, each, root = fixed[columns[i]], b[i], np.sqrt(weights[i])
        for f in range(vector.shape[0]):
            each[f] = root * vector[f] * shrink[f]


# The signature makes Numba compile at import, before a measurement starts, so that no fit pays for the compiler.
@numba.njit(  # type: ignore[untyped-decorator]
    "void(i8, i8, i8[::1], i4[::1], f4[::1], f4[:, ::1], f4[::1], f4[::1], f4[:, ::1])", cache=True, nogil=True
)
def solve_rows(  # noqa: PLR0917  # Numba takes no keyword-only arguments
    syrk: int,
    posv: int,
    indptr: I64,
    indices: I32,
    weights: F32,
    fixed: F32,
    unplayed: F32,
    penalty: F32,
    into: F32,
) -> None:
    """Find, for each row, the x that minimises Σ w (⟨x, v⟩ − 1)² + Σ_f (unplayed_f + penalty) x_f²; 0 without plays.

    With D = diag(unplayed + penalty) and B = W^½ V D^−½, x = D^−½ (I + BᵀB)⁻¹ Bᵀ √w = D^−½ Bᵀ (I + BBᵀ)⁻¹ √w
    (Woodbury). The smaller of the two systems is solved, by Cholesky. A row that cannot be solved becomes NaN.

    Args:
        syrk, posv: SYRK and POSV.
        indptr, indices, weights: CSR of the plays, (n_rows + 1,) and (n_plays,); weights above 0.
        fixed: (n_columns, factors), the other side's vectors v.
        unplayed: (factors,), what all columns weigh along each factor.
        penalty: (n_rows,), above 0.
        into: (n_rows, factors), filled.
    """
    factors = fixed.shape[1]
    size = np.array([0, 0, factors, 1, 0], dtype=np.int32)
    order, inner, leading, one, failed = size[0:], size[1:], size[2:], size[3:], size[4:]
    scale = np.ones(2, dtype=np.float32)
    alpha, beta = scale[0:], scale[1:]
    letters = np.array([ord("L"), ord("N"), ord("T")], dtype=np.uint8)
    lower, plain, transposed = letters[0:], letters[1:], letters[2:]
    b = np.empty((max(CHUNK, factors), factors), dtype=np.float32)
    left = np.empty(factors * factors, dtype=np.float32)
    right, shrink = np.empty(factors, dtype=np.float32), np.empty(factors, dtype=np.float32)
    for row in range(into.shape[0]):
        x, start, stop = into[row], indptr[row], indptr[row + 1]
        x[:] = 0
        if start == stop:
            continue
        shrink[:] = 1 / np.sqrt(unplayed + penalty[row])
        few = stop - start < factors
        order[0] = stop - start if few else factors
        right[:] = 0
        for begin in range(start, stop, b.shape[0]):
            n = min(b.shape[0], stop - begin)
            _gather(indices[begin : begin + n], weights[begin : begin + n], fixed, shrink, b)
            for i in range(n):
                if few:
                    right[i] = np.sqrt(weights[begin + i])
                else:
                    right += np.sqrt(weights[begin + i]) * b[i]
            # Fortran arrays are column-major, so the routine sees the transpose of b.
            inner[0] = factors if few else n
            beta[0] = 0 if begin == start else 1
            form = transposed if few else plain
            _call(
                syrk,
                (
                    lower.ctypes.data, form.ctypes.data, order.ctypes.data, inner.ctypes.data, alpha.ctypes.data,
                    b.ctypes.data, leading.ctypes.data, beta.ctypes.data, left.ctypes.data, order.ctypes.data,
                ),
            )  # fmt: skip
        for i in range(order[0]):
            left[i * order[0] + i] += 1
        _call(
            posv,
            (
                lower.ctypes.data, order.ctypes.data, one.ctypes.data, left.ctypes.data, order.ctypes.data,
                right.ctypes.data, order.ctypes.data, failed.ctypes.data,
            ),
        )  # fmt: skip
        if failed[0]:
            right[:] = np.nan
        if few:
            for i in range(stop - start):
                x += right[i] * b[i]
            x *= shrink
        else:
            x[:] = right * shrink
