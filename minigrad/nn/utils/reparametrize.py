"""`weight_norm` and `spectral_norm` as older programs have them: by a hook before forward."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.errors import ArgumentError
from minigrad.modes import no_grad
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.utils.parametrizations import norm_except, power_iteration, random_direction

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


class Recomputed:
    """A hook that sets ``module.name`` anew before each forward; `handle` removes it."""

    def __init__(self, module: Module, name: str) -> None:
        self.name = name
        for hook in hooks_of(module, Recomputed):
            if hook.name == name:
                raise RuntimeError(f"{name!r} is normalized already")
        weight = getattr(module, name)
        del module.__dict__["_parameters"][name]
        del module.__dict__[name]
        self.split(module, weight)
        setattr(module, name, self.first(module, weight))
        self.handle = module.register_forward_pre_hook(self)

    def split(self, module: Any, weight: Any) -> None:
        raise NotImplementedError

    def compute(self, module: Any) -> Any:
        raise NotImplementedError

    def first(self, module: Any, weight: Any) -> Any:
        """The tensor until the first forward."""
        return self.compute(module)

    def __call__(self, module: Any, args: Any) -> None:
        setattr(module, self.name, self.compute(module))

    def remove(self, module: Any, *names: str) -> None:
        training, module.training = module.training, False
        with no_grad():
            value = self.compute(module)
        module.training = training
        self.handle.remove()
        for each in names:
            delattr(module, each)
        delattr(module, self.name)
        module.register_parameter(self.name, Parameter(value.detach()))


class WeightNorm(Recomputed):
    """g v / |v|."""

    def __init__(self, module: Module, name: str, dim: int | None) -> None:
        self.dim = dim
        super().__init__(module, name)

    def split(self, module: Any, weight: Any) -> None:
        with no_grad():
            length = norm_except(weight.detach(), self.dim)
        module.register_parameter(f"{self.name}_g", Parameter(length))
        module.register_parameter(f"{self.name}_v", Parameter(weight.detach()))

    def compute(self, module: Any) -> Any:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except(v, self.dim))


class SpectralNorm(Recomputed):
    """W / (uᵀ W v)."""

    def __init__(self, module: Module, name: str, steps: int, eps: float, dim: int) -> None:
        self.steps, self.eps, self.dim = steps, eps, dim
        super().__init__(module, name)

    def as_matrix(self, weight: Any) -> Any:
        moved = ops.movedim(weight, self.dim, 0)
        return ops.reshape(moved, (moved.shape[0], -1))

    def split(self, module: Any, weight: Any) -> None:
        matrix = self.as_matrix(weight.detach())
        module.register_parameter(f"{self.name}_orig", weight)
        for letter, size in zip("uv", matrix.shape):
            direction = random_direction(size, matrix.dtype, self.eps)
            module.register_buffer(f"{self.name}_{letter}", direction)

    def first(self, module: Any, weight: Any) -> Any:
        return weight.detach()

    def compute(self, module: Any) -> Any:
        weight = getattr(module, f"{self.name}_orig")
        matrix = self.as_matrix(weight)
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        if module.training:
            with no_grad():
                # v is brought up to date before u here
                turned = ops.transpose(matrix.detach(), 0, 1)
                v, u = power_iteration(turned, v, u, self.steps, self.eps)
            setattr(module, f"{self.name}_u", u)
            setattr(module, f"{self.name}_v", v)
        return weight / ops.sum(u * ops.matmul(matrix, v))


def hooks_of(module: Any, kind: type) -> list[Any]:
    hooks = module._module_hooks
    found = [] if hooks is None else [each.function for each in hooks.before_forward.values()]
    return [each for each in found if isinstance(each, kind)]


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """The older form of `parametrizations.weight_norm`: ``weight_g`` and ``weight_v`` are learned.

    Source   Salimans and Kingma 2016, equation 2
    Example  >>> list(mg.nn.utils.weight_norm(mg.nn.Linear(2, 3)).state_dict())
             ['bias', 'weight_g', 'weight_v']
    """
    WeightNorm(module, name, dim)
    return module


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """The older form of `parametrizations.spectral_norm`: ``weight_orig`` is learned.

    Source   Miyato, Kataoka, Koyama and Yoshida 2018
    Raises   ValueError if n_power_iterations is not positive
    Example  >>> list(mg.nn.utils.spectral_norm(mg.nn.Linear(2, 3)).state_dict())
             ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    if n_power_iterations <= 0:
        raise ArgumentError(
            f"spectral_norm: n_power_iterations is positive, got {n_power_iterations}"
        )
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    SpectralNorm(module, name, n_power_iterations, eps, dim)
    return module


def remove_norm(module: Module, name: str, kind: type, *suffixes: str) -> Module:
    for hook in hooks_of(module, kind):
        if hook.name == name:
            hook.remove(module, *[name + suffix for suffix in suffixes])
            return module
    raise ArgumentError(f"{type(module).__name__} has no {kind.__name__} of {name!r}")


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again.

    Raises   ValueError if there is no weight norm.
    Example  >>> layer = mg.nn.utils.weight_norm(mg.nn.Linear(2, 3))
             >>> list(mg.nn.utils.remove_weight_norm(layer).state_dict())
             ['bias', 'weight']
    """
    return remove_norm(module, name, WeightNorm, "_g", "_v")


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again.

    Raises   ValueError if there is no spectral norm.
    Example  >>> layer = mg.nn.utils.spectral_norm(mg.nn.Linear(2, 3))
             >>> list(mg.nn.utils.remove_spectral_norm(layer).state_dict())
             ['bias', 'weight']
    """
    return remove_norm(module, name, SpectralNorm, "_orig", "_u", "_v")
