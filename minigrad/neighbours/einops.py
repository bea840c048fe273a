"""einops: ``rearrange``, ``reduce``, ``repeat``, ``pack`` and ``einsum`` of tensors, and layers.

einops looks for a backend among the subclasses of its `AbstractBackend`; so the class below need
only exist.  It is made when einops is imported after minigrad, or the other way round.

Example  >>> import minigrad as mg
         >>> from einops import rearrange
         >>> rearrange(mg.zeros(2, 3, 4), "b h w -> b (h w)").shape
         (2, 12)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from einops._backends import AbstractBackend
from einops.layers import RearrangeMixin, ReduceMixin
from einops.layers._einmix import _EinmixMixin

from minigrad import nn, ops
from minigrad.creation import zeros
from minigrad.graph import Variable, wrap

__all__ = ["EinMix", "MinigradBackend", "Rearrange", "Reduce"]


class MinigradBackend(AbstractBackend):
    """How einops works on tensors."""

    framework_name = "minigrad"

    def is_appropriate_type(self, tensor: Any) -> bool:
        return isinstance(tensor, Variable)

    def from_numpy(self, x: Any) -> Any:
        return wrap(x)

    def to_numpy(self, x: Any) -> Any:
        return x.detach().numpy()

    def arange(self, start: int, stop: int) -> Any:
        return wrap(np.arange(start, stop))

    def transpose(self, x: Any, axes: Any) -> Any:
        return ops.permute(x, tuple(axes))

    def reduce(self, x: Any, operation: str, axes: Any) -> Any:
        reduction = {"max": ops.amax, "min": ops.amin}.get(operation) or getattr(ops, operation)
        return reduction(x, tuple(axes))

    def stack_on_zeroth_dimension(self, tensors: Any) -> Any:
        return ops.stack(list(tensors), 0)

    def add_axis(self, x: Any, new_position: int) -> Any:
        return ops.unsqueeze(x, new_position)

    def add_axes(self, x: Any, n_axes: int, pos2len: dict[int, int]) -> Any:
        for position in sorted(pos2len):
            x = ops.unsqueeze(x, position)
        return ops.broadcast_to(x, tuple(pos2len.get(i, n) for i, n in enumerate(x.shape)))

    def tile(self, x: Any, repeats: Any) -> Any:
        return ops.tile(x, tuple(repeats))

    def concat(self, tensors: Any, axis: int) -> Any:
        return ops.cat(list(tensors), axis)

    def is_float_type(self, x: Any) -> bool:
        return bool(x.dtype.kind == "f")

    def layers(self) -> Any:
        from minigrad.neighbours import einops

        return einops

    def einsum(self, pattern: str, *x: Any) -> Any:
        return ops.einsum(pattern, *x)


# ------------------------------------------------------------------------------------------ layers


class Rearrange(RearrangeMixin, nn.Module):
    """``einops.rearrange`` as a module.

    Example  >>> from minigrad.neighbours.einops import Rearrange
             >>> Rearrange("b h w -> b (h w)")(mg.zeros(2, 3, 4)).shape
             (2, 12)
    """

    def forward(self, input: Any) -> Any:
        rearranged: Any = self._apply_recipe(input)  # type: ignore[no-untyped-call]  # einops'
        return rearranged


class Reduce(ReduceMixin, nn.Module):
    """``einops.reduce`` as a module.

    Example  >>> from minigrad.neighbours.einops import Reduce
             >>> Reduce("b (h 2) -> b h", "max")(mg.tensor([[1.0, 2.0, 4.0, 3.0]]))
             tensor([[2., 4.]])
    """

    def forward(self, input: Any) -> Any:
        rearranged: Any = self._apply_recipe(input)  # type: ignore[no-untyped-call]  # einops'
        return rearranged


class EinMix(_EinmixMixin, nn.Module):
    """``einops.layers.EinMix``: a linear layer written as an einsum with named axes.

    Example  >>> from minigrad.neighbours.einops import EinMix
             >>> layer = EinMix("b c -> b d", "c d", bias_shape="d", c=3, d=2)
             >>> layer(mg.zeros(5, 3)).shape
             (5, 2)
    """

    def _create_parameters(
        self, weight_shape: Any, weight_bound: float, bias_shape: Any, bias_bound: float
    ) -> None:
        self.weight = uniform(weight_shape, weight_bound)
        self.bias = None if bias_shape is None else uniform(bias_shape, bias_bound)

    def _create_rearrange_layers(
        self,
        pre_reshape_pattern: str | None,
        pre_reshape_lengths: dict[str, int] | None,
        post_reshape_pattern: str | None,
        post_reshape_lengths: dict[str, int] | None,
    ) -> None:
        before, after = pre_reshape_lengths or {}, post_reshape_lengths or {}
        self.pre_rearrange = (
            Rearrange(pre_reshape_pattern, **before) if pre_reshape_pattern is not None else None
        )
        self.post_rearrange = (
            Rearrange(post_reshape_pattern, **after) if post_reshape_pattern is not None else None
        )

    def forward(self, input: Any) -> Any:
        x = input if self.pre_rearrange is None else self.pre_rearrange(input)
        out = ops.einsum(self.einsum_pattern, x, self.weight)
        if self.bias is not None:
            out = out + self.bias
        return out if self.post_rearrange is None else self.post_rearrange(out)


def uniform(shape: Any, bound: float) -> nn.Parameter:
    """A parameter drawn evenly from -bound ... bound."""
    return nn.Parameter(nn.init.uniform_(zeros(*shape), -bound, bound))
