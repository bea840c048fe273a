"""What compiled loops call: memory by its address, products, sums, the cross-entropy.

Importing this file imports numba.  A program's loops call these functions with sizes and strides,
so that each is compiled once for all programs of a type, and kept on disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, farray, njit, types
from numba import uint64 as U
from numba.extending import intrinsic

__all__ = [
    "CC_float32", "CC_float64", "CF_float32", "CF_float64", "FC_float32", "FC_float64",
    "FF_float32", "FF_float64", "cross_entropy", "dots", "pointer", "rows", "total",
]  # fmt: skip

BLOCK = 128  # numbers that are added one after another; their sums are added likewise
# reassoc and contract let sums be vectorised; nothing here assumes that there is no NaN
compiled = njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})


@intrinsic  # type: ignore[untyped-decorator]  # numba reads the types that it returns
def pointer(typing_context: Any, address: Any) -> Any:
    """An integer as the address of memory, for `numba.carray` and `numba.farray`.

    The loops of a program then take one argument, a list of addresses, in the place of an array for
    each value: unpacking an array costs as much as a small loop.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), code


@compiled
def rows(a, a0, ai, ak, b, b0, bk, c, c0, ci, n, k, m):  # type: ignore[no-untyped-def]
    """``c = a @ b`` where the rows of b, and of c, lie in one piece: eight columns at a time.

    a, a0, ai, ak   memory, offset, and strides of the first and second axis; n, k, m: the sizes

    Eight sums in registers are a vector.  Indices are unsigned: of a signed one, numba would ask
    whether it counts from the end.
    """
    a0, ai, ak, b0, bk = U(a0), U(ai), U(ak), U(b0), U(bk)
    c0, ci, k = U(c0), U(ci), U(k)
    zero = a.dtype.type(0)
    eights = U(m) // U(8) * U(8)
    for i in range(U(n)):
        left, here = a0 + i * ai, c0 + i * ci
        for j in range(U(0), eights, U(8)):
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
            for x in range(k):
                f, r = a[left + x * ak], b0 + x * bk + j
                s0 += f * b[r]
                s1 += f * b[r + U(1)]
                s2 += f * b[r + U(2)]
                s3 += f * b[r + U(3)]
                s4 += f * b[r + U(4)]
                s5 += f * b[r + U(5)]
                s6 += f * b[r + U(6)]
                s7 += f * b[r + U(7)]
            h = here + j
            c[h], c[h + U(1)], c[h + U(2)], c[h + U(3)] = s0, s1, s2, s3
            c[h + U(4)], c[h + U(5)], c[h + U(6)], c[h + U(7)] = s4, s5, s6, s7
        for j in range(eights, U(m)):
            whole = zero
            for x in range(k):
                whole += a[left + x * ak] * b[b0 + x * bk + j]
            c[here + j] = whole


@compiled
def dots(a, a0, ai, ak, b, b0, bk, bj, c, c0, ci, cj, n, k, m):  # type: ignore[no-untyped-def]
    """``c = a @ b`` for any strides: each entry is a sum, in blocks."""
    for i in range(n):
        for j in range(m):
            left, right = a0 + i * ai, b0 + j * bj
            whole = a.dtype.type(0)
            for block in range(0, k, BLOCK):
                part = a.dtype.type(0)
                for x in range(block, min(k, block + BLOCK)):
                    part += a[left + x * ak] * b[right + x * bk]
                whole += part
            c[c0 + i * ci + j * cj] = whole


@compiled
def total(x, start, n, stride):  # type: ignore[no-untyped-def]
    """The sum of n entries: in blocks, and blocks of blocks, so that few roundings add up."""
    whole = x.dtype.type(0)
    for group in range(0, n, BLOCK * BLOCK):
        some = x.dtype.type(0)
        for block in range(group, min(n, group + BLOCK * BLOCK), BLOCK):
            part = x.dtype.type(0)
            for i in range(block, min(n, block + BLOCK)):
                part += x[start + i * stride]
            some += part
        whole += some
    return whole


@compiled
def cross_entropy(  # type: ignore[no-untyped-def]
    x, x0, xi, xj, labels, l0, li, slope, s0, si, sj, n, c, ignored
):
    """Mean cross-entropy, and (softmax - onehot) / n in `slope`; -1 if a class is out of range.

    Rows whose class is `ignored` count for nothing.
    """
    count = 0
    for i in range(n):
        label = labels[l0 + i * li]
        if label != ignored:
            count += 1
            if label < 0 or label >= c:
                return x.dtype.type(-1)
    loss, one, many = x.dtype.type(0), x.dtype.type(1), x.dtype.type(count)
    for i in range(n):
        label = labels[l0 + i * li]
        row, out = x0 + i * xi, s0 + i * si
        if label == ignored:
            for j in range(c):
                slope[out + j * sj] = 0
            continue
        top = x[row]
        for j in range(1, c):
            v = x[row + j * xj]
            if v > top or v != v:
                top = v
        sums = x.dtype.type(0)
        for j in range(c):
            v = np.exp(x[row + j * xj] - top)
            slope[out + j * sj] = v
            sums += v
        loss += np.log(sums) - (x[row + label * xj] - top)
        sums *= many
        for j in range(c):
            slope[out + j * sj] /= sums
        slope[out + label * sj] -= one / many
    return loss / many if count else x.dtype.type(np.nan)


def product_of(a_order: str, b_order: str, dtype: Any) -> Any:
    """``c = a @ b`` by BLAS, for matrices at addresses, of one type and these orders of memory."""
    first = carray if a_order == "C" else farray
    second = carray if b_order == "C" else farray

    @compiled
    def product(a, b, c, n, k, m):  # type: ignore[no-untyped-def]
        x, y = first(pointer(a), (n, k), dtype), second(pointer(b), (k, m), dtype)
        np.dot(x, y, carray(pointer(c), (n, m), dtype))

    return product


CC_float32, CC_float64 = product_of("C", "C", np.float32), product_of("C", "C", np.float64)
CF_float32, CF_float64 = product_of("C", "F", np.float32), product_of("C", "F", np.float64)
FC_float32, FC_float64 = product_of("F", "C", np.float32), product_of("F", "C", np.float64)
FF_float32, FF_float64 = product_of("F", "F", np.float32), product_of("F", "F", np.float64)
