"""Optimizers that move one parameter after the other, because its shape matters to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.modes import enable_grad, no_grad
from minigrad.optim.blocks import Group
from minigrad.optim.optimizer import Optimizer


class ByParameter(Optimizer):
    """Base of these: a class with `move`, which keeps what it likes in ``self.state[p]``."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; see `Optimizer.step`."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self.move(p, -p.grad if group.get("maximize") else p.grad, group)
        return loss

    def move(self, p: Any, g: Any, group: Group) -> None:
        """Move the parameter `p`, whose gradient is `g`, in place."""
        raise NotImplementedError
