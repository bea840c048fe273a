"""What all optimizers share: groups of parameters, their state, and the loop of a step.

An optimizer states its mathematics on flat arrays, in `Optimizer.update`.  This file brings the
parameters to it.  A call of NumPy costs about as much as a thousand additions, so parameters that
are small are updated together: their gradients are copied into one flat array, the state of all of
them is one flat array per name, one update is computed, and it is subtracted from all of them at
once, for at the first step they are moved side by side.  A parameter of which somebody else holds
an array stays where it is.  A large parameter is updated on its own memory, in chunks that stay in
the processor's cache.  Flat always means in the order of the parameter's own memory.

A `Block` (blocks.py) holds parameters that are updated together.  Which ones these are changes only
when a parameter gets or loses its gradient, or an option that matters changes; then they are built
anew (`Optimizer._arrange`), and the state is carried over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.backward import HookHandle
from minigrad.graph import Leaf, Variable, wrap
from minigrad.memory import writes
from minigrad.modes import enable_grad
from minigrad.optim import blocks
from minigrad.optim.blocks import (
    Alone,
    Array,
    Block,
    Counts,
    Group,
    Together,
    is_alone,
    move_together,
)
from minigrad.optim.recorder import recorder
from minigrad.optim.saved import Entry, own_state, own_step, read_entry, with_unused

Arrays = Sequence[Any]
State = dict[Any, dict[str, Any]]


class Optimizer:
    """Base of all optimizers.

    params    tensors that require grad, or dicts with such a list under ``"params"`` and options
              that differ from `options` for this group
    options   the options of groups that do not say otherwise; ``maximize`` and ``weight_decay``
              have a meaning for every optimizer

    A new optimizer is a class with `coefficients`, `update` and, if it has state, `state_names`:

    Example   >>> class Signs(mg.optim.Optimizer):
              ...     def __init__(self, params, lr):
              ...         super().__init__(params, lr=lr)
              ...     def coefficients(self, group, counts, first):
              ...         return (group["lr"],)
              ...     def update(self, change, g, state, numbers, group):
              ...         np.multiply(np.sign(g, change), numbers[0], change)
              >>> p = mg.tensor([1.0, -3.0], requires_grad=True)
              >>> (p * p).sum().backward()
              >>> Signs([p], lr=1.0).step()
              >>> p
              tensor([ 0., -2.], requires_grad=True)

    or, as one writes it for PyTorch, a class that passes a dict of options on and has a `step`,
    which finds parameters in ``self.param_groups`` and keeps what it likes in ``self.state[p]``.

    Raises    TypeError if `params` is one tensor, or holds something else than tensors; ValueError
              if it is empty, holds a tensor twice, or one that is not a leaf, or for an option out
              of its range.
    """

    scratches = 0  # how many arrays for intermediate results `update` is given
    keeps_own_state = False  # whether a `step` of one's own writes into ``self.state[p]``

    _blocks: list[Block]
    _idle: list[Leaf]  # of the parameters that are in no block, for they have no gradient
    _arranged: list[Any]  # what the arrangement of each group followed from
    _kept: dict[Leaf, Entry]  # the state, as of when the blocks were built
    _spare: dict[Any, list[Array]]
    _own_state: State
    _within_step: bool
    _before: dict[int, Callable[..., Any]]
    _after: dict[int, Callable[..., Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = with_unused(cls.__init__)  # type: ignore[method-assign]
        if "step" in vars(cls) and "keeps_own_state" not in vars(cls):
            cls.keeps_own_state = "update" not in vars(cls)
            cls.step = own_step(cls.step)  # type: ignore[method-assign]  # the same, and counted

    def __init__(
        self, params: Iterable[Any], defaults: dict[str, Any] | None = None, **options: Any
    ) -> None:
        if isinstance(params, (Variable, np.ndarray)):
            raise TypeError(
                f"{type(self).__name__}: params is a list of tensors, or of dicts, got one "
                f"{type(params).__name__}; pass [t]"
            )
        own = {} if self.keeps_own_state else {"maximize": False, "weight_decay": 0}
        self.defaults = {**own, **(defaults or {}), **options}
        self.param_groups: list[Group] = []
        self.name = f"{type(self).__name__}.step"
        self.steps_taken = 0
        vars(self).update(self._new_workspace())
        if hasattr(params, "named_parameters") or callable(params):
            given = "the model" if hasattr(params, "named_parameters") else "a function"
            raise TypeError(
                f"{type(self).__name__} takes the parameters of a model, not {given}: write "
                f"{type(self).__name__}(model.parameters(), ...)"
            )
        groups = list(params)
        if not groups:
            raise ValueError(
                f"{type(self).__name__} got an empty list of parameters; was model.parameters() "
                "used up by an earlier loop, or does the model have none? Layers are found in "
                "attributes, nn.ModuleList and nn.ModuleDict, not in a plain list or dict"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    # ---------------------------------------------------------------- what an optimizer consists of

    @staticmethod
    def _new_workspace() -> dict[str, Any]:
        """What is not copied or pickled with an optimizer."""
        return {
            "_blocks": [], "_idle": [], "_arranged": [], "_kept": {}, "_spare": {}, "_before": {},
            "_after": {}, "_own_state": defaultdict(dict), "_within_step": False,
        }  # fmt: skip

    def state_names(self, group: Group) -> tuple[str, ...]:
        """The names of the arrays of state, of the parameters' size, that `update` gets."""
        return ()

    def initial(self, name: str, group: Group) -> float:
        """What the state `name` starts with."""
        return 0.0

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        """The numbers that `update` calculates with, computed once a step for all entries.

        counts    kept from step to step: an optimizer that needs the time counts it here
        first     whether the state is new
        """
        raise NotImplementedError

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        """Write into `change` what is to be subtracted from the parameters.

        change    flat, of the length of all others; holds nothing of use at first
        g         the gradient, not to be written to; its sign and weight decay are seen to
        state     in the order of `state_names`, to be brought up to date in place; after them
                  `scratches` arrays for intermediate results
        numbers   what `coefficients` returned, as 0-d arrays
        """
        raise NotImplementedError

    # ------------------------------------------------------------------------------------- the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place.

        closure   computes the loss anew: zeroes the gradients, calls backward, returns the loss
        Returns   what `closure` returned, else None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if recorder.record is None:
            self._step()
        else:
            recorder.record(self)
        return loss

    def _step(self) -> None:
        """Take the gradients, and update the blocks."""
        if self._before and not self._within_step:
            self._call(self._before)
        if not self._gather():
            self._arrange()
            self._gather()
        for block in self._blocks:
            block.update(self)
        if not self._within_step:
            self.steps_taken += 1
            self._call(self._after)

    def gather_memory(self) -> None:
        """Move small parameters side by side now, before anybody holds their arrays.

        A step does so by itself; a compiler that is about to look at a whole step does it earlier.
        """
        if self._blocks:
            return
        for group in self.param_groups:
            alike: dict[Any, list[Any]] = {}
            for p in group["params"]:
                if not is_alone(p._array) and p._array.flags.writeable:
                    alike.setdefault(p._array.dtype, []).append(p)
            for parameters in alike.values():
                move_together(parameters)

    def _gather(self) -> bool:
        """Take all gradients; False if the blocks no longer fit, and nothing was updated."""
        for leaf in self._idle:
            if leaf.grad is not None:
                return False
        if len(self._arranged) != len(self.param_groups):
            return False
        for group, arrangement in zip(self.param_groups, self._arranged):
            if self._arrangement(group) != arrangement:
                return False
        return all(block.gather() for block in self._blocks)

    def _arrangement(self, group: Group) -> tuple[Any, ...]:
        """What decides how a group is arranged, beside which parameters have a gradient."""
        return len(group["params"]), self.state_names(group), group["weight_decay"] != 0

    def _arrange(self) -> None:
        """Build the blocks: parameters that have a gradient, by what they have in common."""
        self._keep()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:  # such as a mask of integers, which is never updated
                    continue
                if p._array.dtype.kind != "f":
                    raise TypeError(f"{self.name}: a parameter is {p._array.dtype}, not floating")
                if not p._array.flags.writeable:
                    raise ValueError(
                        f"{self.name}: the memory of a parameter of shape {p._array.shape} is "
                        "read-only; make it of a clone()"
                    )
        made: list[Block] = []
        self._blocks = []  # what the old ones hold of the parameters' memory is let go
        self._idle = []
        self._arranged = [self._arrangement(group) for group in self.param_groups]
        for group in self.param_groups:
            names = self.state_names(group)
            alike: dict[Any, list[Any]] = {}
            for p in group["params"]:
                if p.grad is None:
                    self._idle.append(p._get_leaf())
                elif is_alone(p._array):
                    made.append(Alone(self, group, [p]))
                else:
                    entry = self._kept.get(p._get_leaf(), Entry({}, {}))
                    new = not all(name in entry.arrays for name in names)
                    key = (p._array.dtype, new, tuple(entry.counts.items()))
                    alike.setdefault(key, []).append(p)
            made += [Together(self, group, parameters) for parameters in alike.values()]
        self._blocks = made

    def _keep(self) -> None:
        """Note the state of the blocks by parameter."""
        for block in self._blocks:
            if not block.first:
                for i, p in enumerate(block.parameters):
                    leaf = p._get_leaf()
                    before = self._kept.get(leaf)
                    arrays = {name: parts[i] for name, parts in block.state.items()}
                    arrays = {**before.arrays, **arrays} if before else arrays
                    self._kept[leaf] = Entry(dict(block.counts), arrays)

    def _chunks(self, flat: Array, state: list[Array]) -> list[tuple[slice, tuple[Array, ...]]]:
        """`flat` in slices of at most CHUNK, each with its state and scratch arrays."""
        chunks = []
        for start in range(0, len(flat), blocks.CHUNK):
            where = slice(start, min(start + blocks.CHUNK, len(flat)))
            spare = self._buffers(flat.dtype, 2 + self.scratches)[2:]
            parts = [array[where] for array in state]
            scratch = [array[: where.stop - start] for array in spare]
            chunks.append((where, (*parts, *scratch)))
        return chunks

    def _buffers(self, dtype: Any, number: int) -> list[Array]:
        """Arrays of CHUNK entries that all blocks use, one after the other."""
        buffers = self._spare.setdefault(dtype, [])
        while len(buffers) < number:
            buffers.append(np.empty(blocks.CHUNK, dtype))
        return buffers[:number]

    def _call(self, hooks: dict[int, Callable[..., Any]]) -> None:
        for hook in list(hooks.values()):
            hook(self, (), {})

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step, until ``handle.remove()``."""
        return HookHandle(self._before, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step, until ``handle.remove()``."""
        return HookHandle(self._after, hook)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros.

        set_to_none   drop the arrays (the default), so that a parameter that the next backward does
                      not reach is left alone; otherwise it would still be moved by its momentum
        """
        if set_to_none:
            seen = 0
            for block in self._blocks:
                seen += len(block.leaves)
                for leaf in block.leaves:
                    leaf.grad = None
            if seen == sum([len(group["params"]) for group in self.param_groups]):
                return
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    grad = p.grad.detach() if p.grad._node is not None else p.grad
                    grad._array.fill(0)
                    writes.note(grad._array, "zero_grad")
                    p.grad = grad

    # ----------------------------------------------------------------------------- groups and state

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters, with options of their own where they differ from the defaults.

        param_group   a dict with ``"params"``, a tensor or a list of tensors, and options

        Raises   as the constructor; nothing is added then.
        """
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(
                f"{name}: a parameter group is a dict, got {type(param_group).__name__}"
            )
        if "params" not in param_group:
            raise ValueError(f"{name}: a parameter group has its tensors under the key 'params'")
        params = param_group["params"]
        if isinstance(params, (set, frozenset)):
            raise TypeError(f"{name}: parameters need an order that stays; use a list, not a set")
        params = [params] if isinstance(params, Variable) else list(params)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for i, p in enumerate(params):
            if not isinstance(p, Variable):
                hint = "; write model.parameters()" if hasattr(p, "parameters") else ""
                raise TypeError(
                    f"{name}: parameter {i} is not a tensor but {type(p).__name__}{hint}"
                )
            if p._node is not None and type(p._node) is not Leaf:
                raise ValueError(
                    f"{name}: parameter {i} of shape {p._array.shape} is the result of an op, not "
                    "a leaf; pass the tensor it was computed from, or t.detach().requires_grad_()"
                )
            if id(p) in known:
                raise ValueError(f"{name}: parameter {i} of shape {p._array.shape} is there twice")
            known.add(id(p))
        group = {**self.defaults, **param_group, "params": params}
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: Group) -> None:
        """Raise if an option of `group` has no meaning: those that optimizers have in common."""
        name = type(self).__name__
        for option in ("lr", "eps", "weight_decay", "momentum", "lr_decay"):
            value = group.get(option, 0)
            if not isinstance(value, (int, float, np.integer, np.floating)):
                raise TypeError(f"{name}: {option} is a number, got {type(value).__name__}")
            require(bool(value >= 0), f"{name}: {option} is at least 0, got {value}")
        for beta in group.get("betas", ()):
            require(bool(0 <= beta < 1), f"{name}: betas are in [0, 1), got {group['betas']}")

    @property
    def state(self) -> State:
        """What is known of each parameter from earlier steps: tensor -> name -> tensor.

        The tensors share memory with the optimizer's own; the dict itself is a copy, unless `step`
        was written by the user, whose dict it then is.
        """
        if self.keeps_own_state:
            return self._own_state
        self._keep()
        known = {}
        for group in self.param_groups:
            for p in group["params"]:
                entry = self._kept.get(p._get_leaf())
                if entry is not None:
                    counts = {name: wrap(np.array(value)) for name, value in entry.counts.items()}
                    arrays = {name: wrap(array) for name, array in entry.arrays.items()}
                    if counts or arrays:
                        known[p] = {**counts, **arrays}
        return known

    def state_dict(self) -> dict[str, Any]:
        """The options and the state, parameters replaced by their number, for saving.

        It has the structure of PyTorch's: ``{"state": {0: {"step": ...}}, "param_groups": [...]}``.
        The tensors share memory with the optimizer's own.
        """
        numbers: dict[int, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                numbers[id(p)] = len(numbers)
        return {
            "state": {numbers.get(id(p), p): state for p, state in self.state.items()},
            "param_groups": [
                {**group, "params": [numbers[id(p)] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over options and state, of this library or of PyTorch's optimizer of the same kind.

        Raises   ValueError if the groups or shapes do not fit; nothing is changed then.
        """
        saved = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in self.param_groups]
        if [len(group["params"]) for group in saved] != sizes:
            raise ValueError(
                f"load_state_dict: groups of {[len(group['params']) for group in saved]} "
                f"parameters were saved, this optimizer has groups of {sizes}"
            )
        numbers = [number for group in saved for number in group["params"]]
        parameters = [p for group in self.param_groups for p in group["params"]]
        groups = [
            {
                **group,
                **{k: v for k, v in new.items() if k in group or k in KEPT},
                "params": group["params"],
            }
            for group, new in zip(self.param_groups, saved)
        ]
        before, self.param_groups = self.param_groups, []
        try:
            for group in groups:
                self.check(group)
                self.param_groups.append(group)
            state = {
                i: state_dict["state"][n] for i, n in enumerate(numbers) if n in state_dict["state"]
            }
            self._read_state(state, parameters)
        finally:
            self.param_groups = before
        for group, new in zip(before, groups):
            group.update(new)

    def _read_state(self, saved: dict[int, dict[str, Any]], parameters: list[Any]) -> None:
        """Take over the state that was saved of some of the `parameters`."""
        if self.keeps_own_state:
            self._own_state = own_state(saved, parameters)
            return
        kept = {}
        for i, state in saved.items():
            kept[parameters[i]._get_leaf()] = read_entry(state, parameters[i])
        self._blocks, self._arranged, self._kept = [], [], kept

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: v for name, v in vars(self).items() if name not in self._new_workspace()}
        return {**kept, "state": self.state_dict()["state"]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(self._new_workspace())
        saved = state.pop("state")
        vars(self).update(state)
        self._read_state(saved, [p for group in self.param_groups for p in group["params"]])

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


KEPT = {
    "initial_lr",
    "max_lr",
    "min_lr",
    "max_momentum",
    "base_momentum",
}  # put there by schedulers


def require(condition: bool, message: str) -> None:
    """Raise ValueError(`message`) unless `condition` holds."""
    if not condition:
        raise ValueError(message)
