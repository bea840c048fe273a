"""Several devices at once: on a machine with one, a module that runs another; or processes."""

from __future__ import annotations

from typing import Any

from minigrad.nn.module import Module
from minigrad.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel"]


class DataParallel(Module):
    """The module it is given, under the name ``module``: there is one device, the CPU.

    Names of parameters begin with ``module.``, as in a state dict that was saved elsewhere.

    Example  >>> net = mg.nn.DataParallel(mg.nn.Linear(2, 1))
             >>> net(mg.ones(3, 2)).shape, list(net.state_dict())
             ((3, 1), ['module.weight', 'module.bias'])
    """

    module: Module

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module = module
        self.dim = dim
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
