"""Attention of several heads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.errors import ArgumentError
from minigrad.graph import Variable, wrap
from minigrad.nn import functional, init, parameter
from minigrad.nn.functional.attention import masked_softmax
from minigrad.nn.functional.reducing import as_array, as_given
from minigrad.nn.linear import Linear, fortran_parameter, linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.noted import noted

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Queries look up values by keys, in several heads at once.

    embed_dim      size of a query and of the output
    num_heads      heads, each of which sees embed_dim / num_heads entries
    dropout        probability of a zero among the weights of attention, in training
    bias           whether the projections have biases
    add_bias_kv    add one learned key and value to every sequence
    add_zero_attn  add one key and value of zeros
    kdim, vdim     sizes of keys and values; embed_dim if None
    batch_first    sequences are (n, length, ...) instead of (length, n, ...)

    Forward     for each head softmax(Q Kᵀ / √d + mask) V, with Q = query W_qᵀ + b_q and so on; the
                heads side by side go through the projection `out_proj`
    Parameters  in_proj_weight (3 embed_dim, embed_dim), or q_proj_weight, k_proj_weight and
                v_proj_weight if keys or values have other sizes; in_proj_bias (3 embed_dim,);
                out_proj.weight (embed_dim, embed_dim), out_proj.bias (embed_dim,)
    Raises      ValueError if the heads do not divide embed_dim.
    Source      Vaswani et al. 2017, section 3.2
    Example     >>> attention = mg.nn.MultiheadAttention(8, 2, batch_first=True)
                >>> x = mg.ones(1, 5, 8)
                >>> out, weights = attention(x, x, x)
                >>> out.shape, weights.shape
                ((1, 5, 8), (1, 5, 5))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim < 1 or embed_dim % num_heads:
            raise ArgumentError(
                f"MultiheadAttention: {num_heads} heads do not divide embed_dim {embed_dim}"
            )
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout, self.batch_first = dropout, batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn
        same = self.kdim == self.vdim == embed_dim
        widths = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
        for name, width in widths.items():
            made = None if same else fortran_parameter(embed_dim, width, dtype, device)
            self.register_parameter(f"{name}_proj_weight", made)
        stacked = fortran_parameter(3 * embed_dim, embed_dim, dtype, device) if same else None
        self.register_parameter("in_proj_weight", stacked)
        made = parameter.empty(3 * embed_dim, dtype=dtype, device=device) if bias else None
        self.register_parameter("in_proj_bias", made)
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        for name in ("bias_k", "bias_v"):
            made = parameter.empty(1, 1, embed_dim, dtype=dtype) if add_bias_kv else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial values of the input projections and the added key and value anew."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            weight = getattr(self, name)
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for added in (self.bias_k, self.bias_v):
            if added is not None:
                init.xavier_normal_(added)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The looked-up values, and the weights of attention.

        query, key, value     (target, n, embed_dim), (source, n, kdim), (source, n, vdim); with
                              `batch_first` n comes first; or all without n
        key_padding_mask      (n, source): True where a key is left out, or numbers to add
        need_weights          whether to return the weights
        attn_mask             (target, source) or (n * num_heads, target, source), likewise
        average_attn_weights  return the mean of the heads' weights
        is_causal             says that `attn_mask` is the causal one; it has to be given

        Returns  (target, n, embed_dim) in the layout of the query, and (n, target, source), or with
                 the heads apart (n, num_heads, target, source), or None
        """
        batched = query.ndim == 3
        self._check(query, key, value, batched)
        if is_causal and attn_mask is None:
            raise ArgumentError(
                "MultiheadAttention: is_causal=True needs the causal attn_mask, too"
            )
        query, key, value = (self._batch_first(each, batched) for each in (query, key, value))
        if key_padding_mask is not None and not batched:
            key_padding_mask = key_padding_mask[None]
        q, k, v = self._project(query, key, value)
        mask = self._mask(attn_mask, key_padding_mask, q, k)
        k, v, mask = self._with_added_keys(k, v, mask)
        q, k, v = self._heads(q), self._heads(k), self._heads(v)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = ops.matmul(q * (1 / math.sqrt(self.head_dim)), ops.mT(k))
            weights = masked_softmax(scores, mask)
            if dropout:
                weights = functional.dropout(weights, dropout)
            out = ops.matmul(weights, v)
        else:
            out = functional.scaled_dot_product_attention(q, k, v, mask, dropout)
        out = ops.reshape(ops.transpose(out, 1, 2), *query.shape)
        out = self.out_proj(out)
        if weights is not None and average_attn_weights:
            weights = ops.mean(weights, 1)
        if not batched:
            return out[0], None if weights is None else weights[0]
        return (out if self.batch_first else ops.transpose(out, 0, 1)), weights

    def _check(self, query: Any, key: Any, value: Any, batched: bool) -> None:
        wanted = (self.embed_dim, self.kdim, self.vdim)
        for each, name, size in zip((query, key, value), ("query", "key", "value"), wanted):
            if each.ndim not in (2, 3) or each.ndim != query.ndim or each.shape[-1] != size:
                raise ArgumentError(
                    f"MultiheadAttention: {name} has 3 axes, or all have 2, and the last is of "
                    f"size {size}; got {each.shape}"
                )
        if key.shape[:-1] != value.shape[:-1]:
            raise ArgumentError(
                f"MultiheadAttention: there is one value for each key, got {key.shape} and "
                f"{value.shape}"
            )

    def _batch_first(self, each: Any, batched: bool) -> Any:
        if not batched:
            return each[None]
        return each if self.batch_first else ops.transpose(each, 0, 1)

    def _project(self, query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
        biases = (None,) * 3 if self.in_proj_bias is None else ops.chunk(self.in_proj_bias, 3)
        if self.in_proj_weight is None:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        else:
            weights = ops.chunk(self.in_proj_weight, 3)
        q, k, v = map(linear, (query, key, value), weights, biases)
        return q, k, v

    def _mask(self, attn_mask: Any, key_padding_mask: Any, q: Any, k: Any) -> Any:
        """Both masks as numbers to add to scores (n, heads, target, source), or None."""
        n, target, source = len(q), q.shape[1], k.shape[1]
        mask = None
        if attn_mask is not None:
            mask = additive(attn_mask, q)
            if mask.shape == (n * self.num_heads, target, source):
                mask = ops.reshape(mask, n, self.num_heads, target, source)
            elif mask.shape != (target, source):
                raise ArgumentError(
                    f"MultiheadAttention: attn_mask has shape {(target, source)} or "
                    f"{(n * self.num_heads, target, source)}, got {mask.shape}"
                )
        if key_padding_mask is not None:
            padding = additive(key_padding_mask, q)
            if padding.shape != (n, source):
                raise ArgumentError(
                    f"MultiheadAttention: key_padding_mask has shape {(n, source)}, got "
                    f"{padding.shape}"
                )
            padding = ops.reshape(padding, n, 1, 1, source)
            mask = padding if mask is None else mask + padding
        return mask

    def _with_added_keys(self, k: Any, v: Any, mask: Any) -> tuple[Any, Any, Any]:
        """Keys and values with those that the module adds, which no mask hides."""
        if self.bias_k is not None:
            shape = (len(k), 1, self.embed_dim)
            k = ops.cat([k, ops.expand(self.bias_k, *shape)], 1)
            v = ops.cat([v, ops.expand(self.bias_v, *shape)], 1)
            mask = None if mask is None else functional.pad(mask, (0, 1))
        if self.add_zero_attn:
            k, v = functional.pad(k, (0, 0, 0, 1)), functional.pad(v, (0, 0, 0, 1))
            mask = None if mask is None else functional.pad(mask, (0, 1))
        return k, v, mask

    def _heads(self, x: Any) -> Any:
        """(n, length, embed_dim) as (n, heads, length, head_dim)."""
        n, length, _ = x.shape
        split = ops.reshape(x, n, length, self.num_heads, self.head_dim)
        return ops.transpose(split, 1, 2)


def additive(mask: Any, like: Any) -> Any:
    """A mask as a tensor of numbers to add: -∞ where a boolean one is True."""
    array = as_array(mask)
    if array.dtype == bool:
        return as_given(noted(infinite_where, mask, like.dtype), like)
    return mask if isinstance(mask, Variable) else wrap(array.astype(like.dtype))


def infinite_where(mask: Any, dtype: Any) -> Any:
    return np.where(np.asarray(mask), -np.inf, 0.0).astype(dtype)
