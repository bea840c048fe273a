"""Pruning: parameters some of whose entries are held at zero by a mask.

A pruned ``layer.weight`` is ``layer.weight_orig * layer.weight_mask``, computed before each
forward; ``weight_orig`` is what is learned.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.errors import ArgumentError
from minigrad.graph import wrap
from minigrad.modes import no_grad
from minigrad.nn.module import Module

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured",
    "PruningContainer", "RandomStructured", "RandomUnstructured", "custom_from_mask",
    "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip

Array = Any


class BasePruningMethod:
    """A way to choose entries; a class of one's own says `PRUNING_TYPE` and has `compute_mask`.

    PRUNING_TYPE   "unstructured": single entries; "structured": slices along an axis; "global"

    Example  >>> from minigrad.nn.utils import prune
             >>> class EveryOther(prune.BasePruningMethod):
             ...     PRUNING_TYPE = "unstructured"
             ...     def compute_mask(self, t, default_mask):
             ...         mask = default_mask.clone()
             ...         mask.view(-1)[::2] = 0
             ...         return mask
             >>> layer = mg.nn.Linear(2, 1)
             >>> method = EveryOther.apply(layer, "weight")
             >>> layer.weight_mask
             tensor([[0., 1.]])
    """

    PRUNING_TYPE = "unstructured"
    _tensor_name: str
    handle: Any

    def __call__(self, module: Any, args: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """A mask for `t`: 0 where an entry is to go, beside those of `default_mask`.

        Raises   NotImplementedError here.
        """
        raise NotImplementedError(f"{type(self).__name__} has no compute_mask")

    def apply_mask(self, module: Any) -> Any:
        """The pruned tensor."""
        original = getattr(module, f"{self._tensor_name}_orig")
        return original * getattr(module, f"{self._tensor_name}_mask").to(original.dtype)

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """`t` with entries set to zero; no module is involved."""
        mask = wrap(np.ones_like(t._array)) if default_mask is None else default_mask
        scores = t if importance_scores is None else importance_scores
        return t * self.compute_mask(scores, default_mask=mask)

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any
    ) -> Any:
        """Prune a parameter of a module, more than it is pruned already."""
        made = cls(*args, **kwargs)
        made._tensor_name = name
        before = pruning_of(module, name)
        method: BasePruningMethod = made
        if before is None:
            original = getattr(module, name)
            mask = wrap(np.ones_like(original._array))
        else:
            before.handle.remove()
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(made)
            method = container
            original = getattr(module, f"{name}_orig")
            mask = getattr(module, f"{name}_mask")
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise ArgumentError(
                f"prune: importance_scores has the shape of {name}, got {scores.shape}"
            )
        with no_grad():
            chosen = method.compute_mask(scores.detach(), default_mask=mask)
        if before is None:
            del module.__dict__["_parameters"][name]
            del module.__dict__[name]
            module.register_parameter(f"{name}_orig", original)
        module.register_buffer(f"{name}_mask", chosen.to(original.dtype))
        setattr(module, name, method.apply_mask(module))
        method.handle = module.register_forward_pre_hook(method)
        return method

    def remove(self, module: Any) -> None:
        """Keep the pruned numbers as an ordinary parameter."""
        name = self._tensor_name
        original = getattr(module, f"{name}_orig")
        with no_grad():
            original.data = self.apply_mask(module).detach()
        self.handle.remove()
        delattr(module, f"{name}_orig")
        delattr(module, f"{name}_mask")
        delattr(module, name)
        module.register_parameter(name, original)


class PruningContainer(BasePruningMethod):
    """Several methods, one after the other; each chooses among what is left.

    Example  >>> from minigrad.nn.utils import prune
             >>> layer = prune.l1_unstructured(mg.nn.Linear(4, 1), "weight", amount=2)
             >>> layer = prune.random_unstructured(layer, "weight", amount=1)
             >>> layer.weight_mask.sum().item()
             1.0
    """

    def __init__(self, *methods: BasePruningMethod) -> None:
        self.methods: list[BasePruningMethod] = []
        for method in methods:
            self._tensor_name = method._tensor_name
            self.methods.append(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add one more.

        Raises   ValueError if it is for another parameter.
        """
        if method._tensor_name != self._tensor_name:
            raise ArgumentError(
                f"PruningContainer: methods are for {self._tensor_name!r}, got one for "
                f"{method._tensor_name!r}"
            )
        self.methods.append(method)

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        method = self.methods[-1]
        mask = np.array(default_mask._array)
        array = t._array
        if method.PRUNING_TYPE == "unstructured":
            left: Any = mask == 1
        elif method.PRUNING_TYPE == "structured":
            axis = getattr(method, "dim", 0) % array.ndim
            others = tuple([i for i in range(array.ndim) if i != axis])
            alive = np.abs(mask).sum(others) != 0
            left = (slice(None),) * axis + (alive,)
        else:
            left = ...
        chosen = method.compute_mask(wrap(array[left]), default_mask=wrap(mask[left]))
        mask[left] = chosen._array
        return wrap(mask)


def how_many(amount: float, size: int) -> int:
    """A number of entries: itself, or a fraction of the `size`.

    Raises   ValueError if it is negative, too large, or a fraction outside of [0, 1].
    """
    if isinstance(amount, (int, np.integer)) and not isinstance(amount, bool):
        if not 0 <= amount <= size:
            raise ArgumentError(f"prune: amount is in 0 ... {size}, got {amount}")
        return int(amount)
    if not 0 <= amount <= 1:
        raise ArgumentError(f"prune: amount is a number of entries or a fraction, got {amount}")
    return round(amount * size)


class Identity(BasePruningMethod):
    """Prunes nothing, and makes ``weight_orig`` and ``weight_mask``.

    Example  >>> from minigrad.nn.utils import prune
             >>> prune.identity(mg.nn.Linear(2, 1), "weight").weight_mask
             tensor([[1., 1.]])
    """

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        return default_mask


class Unstructured(BasePruningMethod):
    """Base of the methods that choose so many entries of the lowest scores."""

    def __init__(self, amount: float) -> None:
        how_many(amount, np.iinfo(np.int64).max)
        self.amount = amount

    def scores(self, t: Array) -> Array:
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        mask = np.array(default_mask._array)
        n = how_many(self.amount, t._array.size)
        lowest = np.argsort(self.scores(t._array).ravel(), kind="stable")[:n]
        mask.reshape(-1)[lowest] = 0
        return wrap(mask)


class RandomUnstructured(Unstructured):
    """Entries at random.

    amount   how many, or a fraction

    Example  >>> from minigrad.nn.utils import prune
             >>> layer = mg.nn.Linear(4, 1)
             >>> method = prune.RandomUnstructured.apply(layer, "weight", amount=3)
             >>> layer.weight_mask.sum().item()
             1.0
    """

    def scores(self, t: Array) -> Array:
        return random.source(None).random(t.shape)


class L1Unstructured(Unstructured):
    """The entries of the smallest magnitude.

    amount   how many, or a fraction

    Example  >>> from minigrad.nn.utils import prune
             >>> prune.L1Unstructured(1).prune(mg.tensor([3.0, -1.0, 2.0]))
             tensor([ 3., -0.,  2.])
    """

    def scores(self, t: Array) -> Array:
        return np.abs(t)


class Structured(BasePruningMethod):
    """Base of the methods that choose so many slices along an axis."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        how_many(amount, np.iinfo(np.int64).max)
        self.amount, self.dim = amount, dim

    def scores(self, slices: Array) -> Array:
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        mask = np.array(default_mask._array)
        slices = np.moveaxis(t._array, self.dim, 0).reshape(t._array.shape[self.dim], -1)
        n = how_many(self.amount, len(slices))
        lowest = np.argsort(self.scores(slices), kind="stable")[:n]
        np.moveaxis(mask, self.dim, 0)[lowest] = 0
        return wrap(mask)


class RandomStructured(Structured):
    """Slices at random.

    amount   how many, or a fraction
    dim      the axis along which they lie

    Example  >>> from minigrad.nn.utils import prune
             >>> layer = prune.random_structured(mg.nn.Linear(4, 2), "weight", amount=1, dim=0)
             >>> sorted(layer.weight_mask.sum(1).tolist())
             [0.0, 4.0]
    """

    def scores(self, slices: Array) -> Array:
        return random.source(None).random(len(slices))


class LnStructured(Structured):
    """The slices of the smallest norm.

    amount   how many, or a fraction
    n        of the n-norm
    dim      the axis along which they lie

    Example  >>> from minigrad.nn.utils import prune
             >>> prune.LnStructured(1, n=2, dim=0).prune(mg.tensor([[3.0, 4.0], [1.0, 1.0]]))
             tensor([[3., 4.],
                     [0., 0.]])
    """

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def scores(self, slices: Array) -> Array:
        order = np.inf if self.n in ("inf", np.inf) else self.n
        return np.linalg.norm(slices, order, axis=1)


class CustomFromMask(BasePruningMethod):
    """The entries where a mask is 0.

    Example  >>> from minigrad.nn.utils import prune
             >>> layer = prune.custom_from_mask(mg.nn.Linear(2, 1), "weight", mg.tensor([[1, 0]]))
             >>> layer.weight_mask
             tensor([[1., 0.]])
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        return default_mask * self.mask.to(default_mask.dtype)


# ------------------------------------------------------------------------------------- as functions


def identity(module: Module, name: str) -> Module:
    """Prune nothing; see `Identity`."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune entries at random; see `RandomUnstructured`."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: float, importance_scores: Any = None
) -> Module:
    """Prune the entries of the smallest magnitude; see `L1Unstructured`."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune slices at random; see `RandomStructured`."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Any = None
) -> Module:
    """Prune the slices of the smallest norm; see `LnStructured`."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Any) -> Module:
    """Prune where a mask is 0; see `CustomFromMask`."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Any, pruning_method: Any, importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prune entries of several parameters together: the lowest of all of them.

    parameters       pairs (module, name)
    pruning_method   a class such as `L1Unstructured`; `kwargs` are for it

    Raises   TypeError if it is not one of single entries.
    Example  >>> from minigrad.nn.utils import prune
             >>> a, b = mg.nn.Linear(2, 2), mg.nn.Linear(2, 2)
             >>> pairs = [(a, "weight"), (b, "weight")]
             >>> prune.global_unstructured(pairs, prune.L1Unstructured, amount=5)
             >>> (a.weight_mask.sum() + b.weight_mask.sum()).item()
             3.0
    """
    given = importance_scores or {}
    pairs = [(module, name) for module, name in parameters]
    scores = [given.get((m, name), getattr(m, name)) for m, name in pairs]
    masks = [getattr(m, f"{name}_mask", None) for m, name in pairs]
    method = pruning_method(**kwargs)
    method._tensor_name = "temporary"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError("global_unstructured takes a method of PRUNING_TYPE 'unstructured'")
    with no_grad():
        flat = ops.cat([ops.reshape(each.detach(), -1) for each in scores])
        ones = [np.ones_like(each._array) if m is None else m._array
                for each, m in zip(scores, masks)]  # fmt: skip
        before = wrap(np.concatenate([each.ravel() for each in ones]))
        first = Identity()
        first._tensor_name = "temporary"
        container = PruningContainer(first)
        container.add_pruning_method(method)
        chosen = container.compute_mask(flat, before)._array
    start = 0
    for (module, name), each in zip(pairs, scores):
        size = each._array.size
        mask = wrap(chosen[start : start + size].reshape(each._array.shape))
        custom_from_mask(module, name, mask)
        start += size


def pruning_of(module: Any, name: str) -> Any:
    """What prunes a parameter of the module; None if nothing does."""
    hooks = module._module_hooks
    for hook in [] if hooks is None else hooks.before_forward.values():
        method = hook.function
        if isinstance(method, BasePruningMethod) and method._tensor_name == name:
            return method
    return None


def is_pruned(module: Module) -> bool:
    """Whether a parameter of this module, or of one below, is pruned.

    Example  >>> from minigrad.nn.utils import prune
             >>> prune.is_pruned(mg.nn.Linear(2, 1))
             False
    """
    for each in module.modules():
        hooks = each._module_hooks
        for hook in [] if hooks is None else hooks.before_forward.values():
            if isinstance(hook.function, BasePruningMethod):
                return True
    return False


def remove(module: Module, name: str) -> Module:
    """Keep the pruned numbers of a parameter, and let it be an ordinary one again.

    Raises   ValueError if it is not pruned.
    Example  >>> from minigrad.nn.utils import prune
             >>> layer = prune.l1_unstructured(mg.nn.Linear(2, 1), "weight", amount=1)
             >>> list(prune.remove(layer, "weight").state_dict())
             ['bias', 'weight']
    """
    method = pruning_of(module, name)
    if method is None:
        raise ArgumentError(f"{type(module).__name__}: {name!r} is not pruned")
    method.remove(module)
    return module
