"""Adafactor."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.creation import tensor, zeros
from minigrad.optim.blocks import Group
from minigrad.optim.by_parameter import ByParameter
from minigrad.optim.optimizer import require


class Adafactor(ByParameter):
    """Adafactor: the squares of the gradient of a matrix are kept by row and column only.

    With gradient g of a matrix, learning rate γ (`lr`), (ε₁, ε₂) = `eps`, at step t::

        β = t^beta2_decay        ρ = min(γ, 1 / √t)        α = max(ε₂, rms(p)) ρ
        R ← R + β (mean of g² in each row - R)
        C ← C + β (mean of g² in each column - C)
        v = R C / max(mean of R, ε₁)        u = g / √max(v, ε₁²)
        p ← p - γ λ p        p ← p - α u / max(1, rms(u) / d)

    Of a vector, v ← v + β (g² - v).

    params         tensors, or dicts of tensors and options
    lr             γ ≥ 0
    beta2_decay    at most 0
    eps            ε₁ (None: the smallest difference to 1 of the type), and ε₂
    d              how large an update may be, at least 1
    weight_decay   λ ≥ 0
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Shazeer and Stern 2018
    Example   >>> p = mg.ones(2, 2, requires_grad=True)
              >>> optimizer = mg.optim.Adafactor([p], lr=0.5)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> p
              tensor([[0.5, 0.5],
                      [0.5, 0.5]], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        require(beta2_decay <= 0, f"Adafactor: beta2_decay is at most 0, got {beta2_decay}")
        require(d >= 1, f"Adafactor: d is at least 1, got {d}")
        require((eps[0] is None or eps[0] >= 0) and eps[1] >= 0, f"Adafactor: eps ≥ 0, got {eps}")
        options = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
                   "weight_decay": weight_decay, "maximize": maximize}  # fmt: skip
        super().__init__(params, options)

    def check(self, group: Group) -> None:
        super().check({name: value for name, value in group.items() if name != "eps"})

    def move(self, p: Any, g: Any, group: Group) -> None:
        state = self.state[p]
        if not state:
            state["step"] = tensor(0.0)
            if p.ndim > 1:
                state["row_var"] = zeros(*p.shape[:-1], 1, dtype=p.dtype)
                state["col_var"] = zeros(*p.shape[:-2], 1, p.shape[-1], dtype=p.dtype)
            else:
                state["variance"] = zeros(p.shape, dtype=p.dtype)
        t = state["step"].item() + 1
        state["step"].fill_(t)
        if not p.numel():
            return
        tiny, smallest = group["eps"]
        tiny = float(np.finfo(p.dtype).eps) if tiny is None else tiny
        rate = max(smallest, rms(p)) * min(group["lr"], 1 / math.sqrt(t))
        if group["weight_decay"]:
            p.mul_(1 - group["lr"] * group["weight_decay"])
        squares = estimated(state, g * g, t ** group["beta2_decay"], tiny)
        u = g / squares.clamp(min=tiny * tiny).sqrt()
        p.sub_(u * (rate / max(1.0, rms(u) / group["d"])))


def estimated(state: dict[str, Any], squares: Any, share: float, tiny: float) -> Any:
    """The recent mean of the squares: of a matrix, the product of those of rows and columns."""
    if "variance" in state:
        state["variance"].lerp_(squares, share)
        return state["variance"]
    rows = state["row_var"].lerp_(squares.mean(-1, keepdim=True), share)
    columns = state["col_var"].lerp_(squares.mean(-2, keepdim=True), share)
    return rows @ columns / rows.mean(-2, keepdim=True).clamp(min=tiny)


def rms(x: Any) -> float:
    """The root of the mean square."""
    return float(x.norm().item()) / math.sqrt(max(x.numel(), 1))
