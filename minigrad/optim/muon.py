"""Muon."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from minigrad.creation import zeros_like
from minigrad.errors import ArgumentError
from minigrad.optim.blocks import Group
from minigrad.optim.by_parameter import ByParameter
from minigrad.optim.optimizer import require


class Muon(ByParameter):
    """Muon: momentum of matrices, orthogonalised.

    With gradient g of a matrix, learning rate γ (`lr`), momentum μ and weight decay λ::

        m ← μ m + (1 - μ) g
        u = (1 - μ) g + μ m, or m without `nesterov`
        O = orthogonal(u)
        p ← p - γ λ p        p ← p - γ s O

    where O has the singular vectors of u and singular values near 1, by `ns_steps` steps
    X ← a X + (b X Xᵀ + c (X Xᵀ)²) X from X = u / |u|.  PyTorch computes them in bfloat16, here they
    are in the parameter's own type.  Vectors are for another optimizer.

    params            matrices, or dicts of matrices and options
    lr                γ ≥ 0
    weight_decay      λ ≥ 0
    momentum          μ ≥ 0
    nesterov          look ahead
    ns_coefficients   a, b and c
    eps               the least |u|
    ns_steps          how many, below 100
    adjust_lr_fn      s: "original", √max(1, rows / columns), or "match_rms_adamw",
                      0.2 √max(rows, columns)

    Raises    ValueError for an option out of its range, or a parameter that is not a matrix
    Source    Jordan et al. 2024; Björck and Bowie 1971
    Example   >>> p = mg.eye(2, requires_grad=True)
              >>> optimizer = mg.optim.Muon([p], lr=0.1, weight_decay=0.0)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> p[0, 0] < 1
              tensor(True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        require(
            adjust_lr_fn in (None, "original", "match_rms_adamw"),
            f"Muon: adjust_lr_fn is original or match_rms_adamw, got {adjust_lr_fn!r}",
        )
        require(ns_steps < 100, f"Muon: ns_steps is below 100, got {ns_steps}")
        require(len(ns_coefficients) == 3, "Muon: ns_coefficients are three numbers")
        options = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum,
                   "nesterov": nesterov, "ns_coefficients": ns_coefficients, "eps": eps,
                   "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn}  # fmt: skip
        super().__init__(params, options)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ArgumentError(
                        f"Muon is for matrices, one parameter has shape {tuple(p.shape)}: give it "
                        "to another optimizer"
                    )

    def move(self, p: Any, g: Any, group: Group) -> None:
        state, momentum = self.state[p], group["momentum"]
        if not state:
            state["momentum_buffer"] = zeros_like(p)
        m = state["momentum_buffer"].lerp_(g, 1 - momentum)
        u = g.lerp(m, momentum) if group["nesterov"] else m
        rows, columns = p.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        else:
            scale = math.sqrt(max(1, rows / columns))
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.sub_(orthogonal(u, group) * (group["lr"] * scale))


def orthogonal(u: Any, group: Group) -> Any:
    """A matrix with the singular vectors of u, and singular values near 1."""
    a, b, c = group["ns_coefficients"]
    tall = u.shape[0] > u.shape[1]
    x = u.mT if tall else u
    x = x / x.norm().clamp(min=group["eps"])
    for _ in range(group["ns_steps"]):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.mT if tall else x
