"""Attention, and the bilinear layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.modes import recording
from minigrad.nn.functional.dropping import dropout
from minigrad.nn.functional.reducing import as_array
from minigrad.noted import noted
from minigrad.tensor import Tensor

__all__ = ["bilinear", "scaled_dot_product_attention"]


@composition
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """For each query the mean of the values, weighted by how well the keys answer it.

    attn_mask   booleans, true where a query may look at a key; or numbers, added to the scores
    dropout_p   probability of dropping a weight; it applies whenever it is not 0
    is_causal   query i looks at keys 0 ... i only
    scale       None: 1 / √d
    enable_gqa  fewer heads of keys and values than of queries: each serves several

    Forward    out = softmax(scale q kᵀ + mask) v; zeros for a query that may look at no key
    Gradient   with a = softmax(...) and ā = ḡ vᵀ: v̄ = aᵀ ḡ,
               s̄ = a * (ā - Σ ā a), q̄ = scale s̄ k, k̄ = scale s̄ᵀ q
    Shapes     (..., l, d), (..., s, d), (..., s, e), mask broadcast to (..., l, s) -> (..., l, e)
    Raises     ValueError if the shapes do not go together, or for a mask together with is_causal
    Source     Vaswani et al. 2017, equation 1
    Example    >>> q, k = mg.tensor([[0.0, 9.0]]), mg.tensor([[9.0, 0.0], [0.0, 9.0]])
               >>> v = mg.tensor([[1.0], [2.0]])
               >>> mg.nn.functional.scaled_dot_product_attention(q, k, v)
               tensor([[2.]])
    """
    check_attention(query, key, value)
    if query.dtype == np.float16:  # whose range the scores leave
        q, k, v = (ops.astype(each, np.float32) for each in (query, key, value))
        if attn_mask is not None and as_array(attn_mask).dtype.kind == "f":
            attn_mask = attn_mask.astype(np.float32)
        out: Tensor = scaled_dot_product_attention(
            q, k, v, attn_mask, dropout_p, is_causal, scale, enable_gqa
        )
        return ops.astype(out, np.float16)
    if is_causal and attn_mask is not None:
        raise ValueError(
            "scaled_dot_product_attention: is_causal is itself a mask, give one of them"
        )
    if enable_gqa:
        key, value = shared_heads(query, key), shared_heads(query, value)
    if scale is None:
        scale = 1 / math.sqrt(max(query.shape[-1], 1))
    scores = ops.matmul(query * scale, key.mT)
    if is_causal:
        queries, keys = scores.shape[-2:]
        weights = masked_softmax(scores, np.tri(queries, keys) > 0)
    else:
        weights = masked_softmax(scores, attn_mask)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p)
    return ops.matmul(weights, value)


def check_attention(query: Any, key: Any, value: Any) -> None:
    shapes = [tuple(each.shape) for each in (query, key, value)]
    if (
        min(map(len, shapes)) < 2
        or shapes[0][-1] != shapes[1][-1]
        or shapes[1][-2] != shapes[2][-2]
    ):
        raise ValueError(
            "scaled_dot_product_attention takes queries (..., l, d), keys (..., s, d) and values "
            f"(..., s, e), got shapes {shapes[0]}, {shapes[1]} and {shapes[2]}"
        )


def shared_heads(query: Any, heads: Any) -> Any:
    """`heads` repeated along axis -3, to as many as the queries have."""
    wanted, given = query.shape[-3], heads.shape[-3]
    if wanted % given:
        raise ValueError(
            f"scaled_dot_product_attention: {given} heads cannot serve {wanted} heads of queries "
            "equally"
        )
    return ops.repeat_interleave(heads, wanted // given, -3)


def masked_softmax(scores: Any, mask: Any) -> Any:
    """softmax over the last axis, with zeros for rows where nothing is allowed."""
    if mask is None:
        return ops.softmax(scores, -1)
    visible, alive = noted(visible_keys, mask)
    all_alive = recording.trace is None and bool(alive.all())
    if as_array(mask).dtype == bool:
        scores = ops.where(visible, scores, -np.inf)
    else:
        scores = scores + (mask if all_alive else ops.where(alive, mask, 0.0))
    weights = ops.softmax(scores, -1)
    return weights if all_alive else ops.where(alive, weights, 0.0)


def visible_keys(mask: Any) -> tuple[Any, Any]:
    """Which keys are looked at, all where there is none; and which queries may look at a key."""
    mask = np.asarray(mask)
    allowed = mask if mask.dtype == bool else mask > -np.inf
    alive = allowed.any(-1, keepdims=True)
    return allowed | ~alive, alive


@composition
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A layer that is linear in each of two inputs.

    Forward    out[..., o] = Σ_{i, j} x₁[..., i] w[o, i, j] x₂[..., j] + b[o]
    Gradient   x̄₁ = Σ_o ḡ[o] w[o] x₂        x̄₂ = Σ_o ḡ[o] w[o]ᵀ x₁        w̄[o] = Σ ḡ[o] x₁ x₂ᵀ
               b̄ = Σ ḡ
    Shapes     (..., n), (..., m), (o, n, m), (o,) -> (..., o)
    Raises     ValueError if the shapes do not go together
    Example    >>> x, y, w = mg.tensor([[1.0, 2.0]]), mg.tensor([[3.0]]), mg.ones(1, 2, 1)
               >>> mg.nn.functional.bilinear(x, y, w)
               tensor([[9.]])
    """
    shapes = [tuple(each.shape) for each in (input1, input2, weight)]
    if (
        len(shapes[2]) != 3 or not shapes[0] or not shapes[1] or shapes[0][:-1] != shapes[1][:-1]
        or shapes[2][1:] != (shapes[0][-1], shapes[1][-1])
    ):  # fmt: skip
        raise ValueError(
            "bilinear takes (..., n), (..., m) and weight (o, n, m), got shapes "
            f"{shapes[0]}, {shapes[1]} and {shapes[2]}"
        )
    if bias is not None and tuple(bias.shape) != shapes[2][:1]:
        raise ValueError(f"bilinear: bias has shape {shapes[2][:1]}, got {tuple(bias.shape)}")
    # x₁ w, then times x₂: a matrix product, and one sum of products
    o, n, m = shapes[2]
    lead = shapes[0][:-1]
    flat = ops.reshape(ops.transpose(weight, 0, 1), n, o * m)
    left = ops.reshape(ops.matmul(input1, flat), *lead, o, m)
    out: Tensor = ops.matmul(left, input2[..., None])[..., 0]
    return out if bias is None else ops.add(out, bias)
