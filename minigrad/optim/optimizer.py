"""What all optimizers share: groups of parameters, their state, and the loop of a step.

An optimizer states its mathematics on flat arrays, in `Optimizer.update`.  This file brings the
parameters to it.  A call of NumPy costs about as much as a thousand additions, so parameters that
are small are updated together: their gradients are copied into one flat array, the state of all of
them is one flat array per name, one update is computed, and each parameter subtracts its part of it
from its own memory.  A large parameter is updated on its own memory, in chunks that stay in the
processor's cache.  Flat always means in the order of the parameter's own memory.

`Block` holds parameters that are updated together.  Which ones these are changes only when a
parameter gets or loses its gradient, or when an option that matters is changed; then the blocks are
built anew (`Optimizer._arrange`), and the state is carried over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import HookHandle, Leaf, Variable, enable_grad, wrap
from minigrad.memory import writes

Array = Any
Group = dict[str, Any]
Counts = dict[str, float]

SMALL = 16_384  # entries up to which a parameter is copied into a flat array with others
CHUNK = 65_536  # entries that are updated at a time


class Layout(NamedTuple):
    """What an update needs beside the gradient.

    names     the arrays of state, one entry for each of the parameter's
    reads     whether it reads the parameter itself
    """

    names: tuple[str, ...]
    reads: bool


class Piece(NamedTuple):
    """A part of a block, small enough for the cache: flat arrays of the same length."""

    where: slice
    change: Array
    p: Array
    state: tuple[Array, ...]
    scratch: tuple[Array, ...]


class Block:
    """Parameters of one group that are updated together, with a common history.

    counts    the numbers that their history consists of (``step``), the same for all
    first     whether their state is new: no update was computed yet
    """

    members: list[Any]
    g: Array

    def __init__(self, optimizer: Optimizer, group: Group, parameters: list[Any]) -> None:
        self.group = group
        self.parameters = parameters
        self.layout = optimizer.layout(group)
        self.arrays = [p._array for p in parameters]
        self.dtype = self.arrays[0].dtype
        self.keys = writes.watch(self.arrays)
        entries = [optimizer._kept.get(id(p), Entry({}, {})) for p in parameters]
        self.counts: Counts = dict(entries[0].counts)
        self.first = not all(name in entries[0].arrays for name in self.layout.names)
        self.values: tuple[float, ...] = ()
        self.numbers: list[Array] = []
        self.state: dict[str, list[Array]] = {}
        for name in self.layout.names:
            start = optimizer.initial(name, group)
            for flat in self.make_state(name):
                flat.fill(start)
            for entry, array in zip(entries, self.state[name]):
                if name in entry.arrays:
                    array[...] = entry.arrays[name]

    def make_state(self, name: str) -> list[Array]:
        """New flat arrays for the state `name`; ``state[name]`` holds their part of each parameter."""
        raise NotImplementedError

    def gather(self) -> bool:
        """Take the gradients; False if a parameter has none, or has other memory than before."""
        raise NotImplementedError

    def update(self, optimizer: Optimizer) -> None:
        """One step of `optimizer` on these parameters."""
        raise NotImplementedError

    def take_numbers(self, optimizer: Optimizer) -> list[Array]:
        """The coefficients of this step as 0-d arrays, with which a ufunc costs half as much."""
        values = optimizer.coefficients(self.group, self.counts, self.first)
        if values != self.values:
            if len(values) != len(self.values):
                self.numbers = [np.array(value, self.dtype) for value in values]
            else:
                for number, value, before in zip(self.numbers, values, self.values):
                    if value != before:
                        number[...] = value
            self.values = values
        self.first = False
        return self.numbers


class Together(Block):
    """Small parameters, or such whose memory is not contiguous, side by side in flat arrays."""

    def __init__(self, optimizer: Optimizer, group: Group, parameters: list[Any]) -> None:
        arrays = [p._array for p in parameters]
        ends = np.cumsum([array.size for array in arrays]).tolist()
        self.parts = [slice(end - array.size, end) for array, end in zip(arrays, ends)]
        self.size, self.dtype, self.arrays = ends[-1], arrays[0].dtype, arrays
        self.flat_state: list[Array] = []
        super().__init__(optimizer, group, parameters)
        self.g, g_views = self.make_flat()
        change, change_views = self.make_flat()
        p, p_views = self.make_flat() if self.layout.reads else (self.g, [])
        self.members = list(
            zip(parameters, self.arrays, [p._get_leaf() for p in parameters], g_views)
        )
        self.changes = list(zip(self.arrays, change_views))
        self.copies = list(zip(p_views, self.arrays))
        self.ascent = np.empty_like(self.g) if group["maximize"] else None
        self.pieces = [
            Piece(
                where,
                change[where],
                p[where],
                tuple([flat[where] for flat in self.flat_state]),
                optimizer._scratch(self.dtype, where.stop - where.start),
            )
            for where in chunks(self.size)
        ]
        self.gradients = [self.g[piece.where] for piece in self.pieces]

    def make_flat(self) -> tuple[Array, list[Array]]:
        flat = np.empty(self.size, self.dtype)
        return flat, [view_like(flat[part], a) for part, a in zip(self.parts, self.arrays)]

    def make_state(self, name: str) -> list[Array]:
        flat, self.state[name] = self.make_flat()
        self.flat_state.append(flat)
        return [flat]

    def gather(self) -> bool:
        for tensor, array, leaf, view in self.members:
            grad = leaf.grad
            if grad is None or tensor._array is not array:
                return False
            view[...] = grad._array
        return True

    def update(self, optimizer: Optimizer) -> None:
        group = self.group
        numbers = self.take_numbers(optimizer)
        if group["maximize"]:
            np.negative(self.g, out=self.g)
        for view, array in self.copies:
            view[...] = array
        for piece, g in zip(self.pieces, self.gradients):
            optimizer.update(piece.change, g, piece.p, piece.state, piece.scratch, numbers, group)
        for array, change in self.changes:
            array -= change
        writes.note_all(self.keys, optimizer.name)


class Alone(Block):
    """One large parameter, in chunks of its own memory."""

    def __init__(self, optimizer: Optimizer, group: Group, parameters: list[Any]) -> None:
        self.array = parameters[0]._array
        self.flat_state: list[Array] = []
        super().__init__(optimizer, group, parameters)
        self.leaf = parameters[0]._get_leaf()
        self.order = memory_order(self.array)
        self.buffer: Array = None
        p = self.array.transpose(self.order).reshape(-1)
        self.pieces = [
            Piece(
                where,
                optimizer._change(p.dtype, where.stop - where.start),
                p[where],
                tuple([flat[where] for flat in self.flat_state]),
                optimizer._scratch(p.dtype, where.stop - where.start),
            )
            for where in chunks(p.size)
        ]

    def make_state(self, name: str) -> list[Array]:
        flat = np.empty(self.array.size, self.array.dtype)
        self.flat_state.append(flat)
        self.state[name] = [view_like(flat, self.array)]
        return [flat]

    def gather(self) -> bool:
        grad = self.leaf.grad
        if grad is None or self.parameters[0]._array is not self.array:
            return False
        g = grad._array.transpose(self.order)
        if not g.flags.c_contiguous or g.dtype != self.dtype:
            if self.buffer is None:
                self.buffer = np.empty(g.shape, self.dtype)
            self.buffer[...] = g
            g = self.buffer
        self.g = g.reshape(-1)
        return True

    def update(self, optimizer: Optimizer) -> None:
        group, update = self.group, optimizer.update
        numbers = self.take_numbers(optimizer)
        ascend = group["maximize"]
        for where, change, p, state, scratch in self.pieces:
            g = self.g[where]
            if ascend:
                g = np.negative(g)
            update(change, g, p, state, scratch, numbers, group)
            np.subtract(p, change, out=p)
        self.g = None
        writes.note_all(self.keys, optimizer.name)


class Entry(NamedTuple):
    """The state of one parameter: numbers, and arrays of its shape."""

    counts: Counts
    arrays: dict[str, Array]


def chunks(size: int) -> list[slice]:
    """``range(size)`` in slices of at most CHUNK."""
    return [slice(i, min(i + CHUNK, size)) for i in range(0, size, CHUNK)] or [slice(0, 0)]


def memory_order(array: Array) -> list[int]:
    """The axes of `array` from the largest stride to the smallest."""
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def view_like(flat: Array, array: Array) -> Array:
    """`flat` with the shape of `array`, its entries in the order of the memory of `array`."""
    order = memory_order(array)
    arranged = flat.reshape([array.shape[axis] for axis in order])
    return arranged.transpose(np.argsort(order)) if order else arranged


def is_alone(array: Array) -> bool:
    """Whether a parameter is large enough to be updated in its own memory, and can be."""
    contiguous = array.transpose(memory_order(array)).flags.c_contiguous
    return array.size > SMALL and contiguous  # type: ignore[no-any-return]


class Optimizer:
    """Base of all optimizers.

    params     tensors that require grad, or dicts with such a list under ``"params"`` and options
               that differ from `defaults` for this group
    defaults   the options of groups that do not say otherwise

    A new optimizer is a class with `layout`, `coefficients` and `update`; `SGD` is an example.

    Raises   TypeError if `params` is one tensor, or holds something else than tensors; ValueError if
             it is empty, holds a tensor twice, or one that is not a leaf.
    """

    scratches = 0  # how many arrays for intermediate results `update` is given

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, (Variable, np.ndarray)):
            raise TypeError(
                f"{type(self).__name__}: params is a list of tensors, or of dicts, got one "
                f"{type(params).__name__}; pass [t]"
            )
        self.defaults = {"maximize": False, **defaults}
        self.param_groups: list[Group] = []
        self.name = f"{type(self).__name__}.step"
        self.steps_taken = 0
        self._blocks: list[Block] = []
        self._idle: list[Leaf] = []
        self._arranged: list[tuple[Group, int, Layout]] = []
        self._kept: dict[int, Entry] = {}
        self._buffers: dict[Any, list[Array]] = {}
        self._before: dict[int, Callable[..., Any]] = {}
        self._after: dict[int, Callable[..., Any]] = {}
        groups = list(params)
        if not groups:
            raise ValueError(
                f"{type(self).__name__} got an empty list of parameters; was model.parameters() "
                "used up by an earlier loop, or does the model have none?"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    # ------------------------------------------------------------------- what an optimizer consists of

    def layout(self, group: Group) -> Layout:
        """The names of the arrays of state that `update` gets, and whether it reads the parameter."""
        return Layout((), False)

    def initial(self, name: str, group: Group) -> float:
        """What the state `name` starts with."""
        return 0.0

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        """The numbers of this step that `update` calculates with, computed once for all entries.

        `counts` is kept from step to step: an optimizer that needs the time counts it here.
        """
        raise NotImplementedError

    def update(
        self,
        change: Array,
        g: Array,
        p: Array,
        state: Sequence[Array],
        scratch: Sequence[Array],
        numbers: Sequence[Array],
        group: Group,
    ) -> None:
        """Write into `change` what is to be subtracted from the parameters.

        change    flat, of the length of all others; holds nothing of use at first
        g         the gradient, not to be written to
        p         the parameters, not to be written to; anything, if `layout` says it is not read
        state     in the order of ``layout(group).names``, to be brought up to date in place
        scratch   `scratches` arrays to write intermediate results to
        numbers   what `coefficients` returned, as 0-d arrays
        """
        raise NotImplementedError

    # -------------------------------------------------------------------------------------- the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place.

        closure   computes the loss anew: zeroes the gradients, calls backward, returns the loss
        Returns   what `closure` returned, else None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if self._before:
            self._call(self._before)
        if not self._gather():
            self._arrange()
            self._gather()
        for block in self._blocks:
            block.update(self)
        self.steps_taken += 1
        if self._after:
            self._call(self._after)
        return loss

    def _gather(self) -> bool:
        """Take all gradients; False if the blocks no longer fit, and nothing was updated."""
        for leaf in self._idle:
            if leaf.grad is not None:
                return False
        if len(self._arranged) != len(self.param_groups):
            return False
        for group, size, layout in self._arranged:
            if len(group["params"]) != size or self.layout(group) != layout:
                return False
        for block in self._blocks:
            if not block.gather():
                return False
        return True

    def _arrange(self) -> None:
        """Build the blocks: parameters that have a gradient, by what they have in common."""
        self._keep()
        blocks: list[Block] = []
        self._idle = []
        self._arranged = []
        for group in self.param_groups:
            layout = self.layout(group)
            self._arranged.append((group, len(group["params"]), layout))
            alike: dict[Any, list[Any]] = {}
            for p in group["params"]:
                if p.grad is None:
                    self._idle.append(p._get_leaf())
                elif is_alone(p._array):
                    blocks.append(Alone(self, group, [p]))
                else:
                    entry = self._kept.get(id(p), Entry({}, {}))
                    new = not all(name in entry.arrays for name in layout.names)
                    key = (p._array.dtype, new, tuple(entry.counts.items()))
                    alike.setdefault(key, []).append(p)
            blocks += [Together(self, group, parameters) for parameters in alike.values()]
        self._blocks = blocks

    def _keep(self) -> None:
        """Note the state of the blocks by parameter."""
        for block in self._blocks:
            if not block.first:
                for i, p in enumerate(block.parameters):
                    before = self._kept.get(id(p))
                    arrays = {name: parts[i] for name, parts in block.state.items()}
                    arrays = {**before.arrays, **arrays} if before else arrays
                    self._kept[id(p)] = Entry(dict(block.counts), arrays)

    def _scratch(self, dtype: Any, size: int) -> tuple[Array, ...]:
        self._change(dtype, size)
        return tuple([array[:size] for array in self._buffers[dtype][1:]])

    def _change(self, dtype: Any, size: int) -> Array:
        if dtype not in self._buffers:
            self._buffers[dtype] = [np.empty(CHUNK, dtype) for _ in range(self.scratches + 1)]
        return self._buffers[dtype][0][:size]

    def _call(self, hooks: dict[int, Callable[..., Any]]) -> None:
        for hook in list(hooks.values()):
            hook(self, (), {})

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; ``remove()`` the returned handle."""
        return HookHandle(self._before, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step; ``remove()`` the returned handle."""
        return HookHandle(self._after, hook)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros.

        set_to_none   drop the arrays (the default), so that a parameter that the next backward does
                      not reach is left alone; otherwise it would still be moved by its momentum
        """
        if set_to_none:
            for block in self._blocks:
                for p in block.parameters:
                    p._leaf.grad = None
            if self._blocks and not self._idle:
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

    # ------------------------------------------------------------------------------ groups and state

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters, with options of their own where they differ from the defaults.

        param_group   a dict with ``"params"``, a tensor or a list of tensors, and options

        Raises   as the constructor; nothing is added then.
        """
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"{name}: a parameter group is a dict, got {type(param_group).__name__}")
        if "params" not in param_group:
            raise ValueError(f"{name}: a parameter group has its tensors under the key 'params'")
        params = param_group["params"]
        if isinstance(params, (set, frozenset)):
            raise TypeError(f"{name}: parameters need an order that stays; use a list, not a set")
        params = [params] if isinstance(params, Variable) else list(params)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for i, p in enumerate(params):
            if not isinstance(p, Variable):
                raise TypeError(f"{name}: parameter {i} is not a tensor but {type(p).__name__}")
            if p._node is not None and type(p._node) is not Leaf:
                raise ValueError(
                    f"{name}: parameter {i} of shape {p._array.shape} is the result of an op, not a "
                    "leaf; pass the tensor it was computed from, or t.detach().requires_grad_()"
                )
            if p._array.dtype.kind != "f":
                raise TypeError(f"{name}: parameter {i} is {p._array.dtype}, not floating-point")
            if id(p) in known:
                raise ValueError(f"{name}: parameter {i} of shape {p._array.shape} is there twice")
            known.add(id(p))
        group = {**self.defaults, **param_group, "params": params}
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: Group) -> None:
        """Raise ValueError if an option of `group` has no meaning."""

    @property
    def state(self) -> dict[Any, dict[str, Any]]:
        """What is known of each parameter from earlier steps: tensor -> name -> tensor.

        The tensors share memory with the optimizer's own; the dict itself is a copy.
        """
        self._keep()
        known = {}
        for group in self.param_groups:
            for p in group["params"]:
                entry = self._kept.get(id(p))
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
            "state": {numbers[id(p)]: state for p, state in self.state.items()},
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
                f"load_state_dict: groups of {[len(group['params']) for group in saved]} parameters "
                f"were saved, this optimizer has groups of {sizes}"
            )
        kept: dict[int, Entry] = {}
        numbers = [number for group in saved for number in group["params"]]
        parameters = [p for group in self.param_groups for p in group["params"]]
        for number, p in zip(numbers, parameters):
            if number in state_dict["state"]:
                kept[id(p)] = read_entry(state_dict["state"][number], p)
        groups = [
            {**group, **{k: v for k, v in new.items() if k in group or k in KEPT}, "params": group["params"]}
            for group, new in zip(self.param_groups, saved)
        ]
        for group in groups:
            self.check(group)
        for group, new in zip(self.param_groups, groups):
            group.update(new)
        self._blocks, self._arranged, self._kept = [], [], kept

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "groups": self.param_groups, "state": self.state_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Optimizer.__init__(self, state["groups"], state["defaults"])
        self.load_state_dict(state["state"])

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


KEPT = {"initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"}  # put there by schedulers


def read_entry(state: dict[str, Any], p: Any) -> Entry:
    """The saved state of one parameter, whoever's tensors it consists of."""
    counts: Counts = {}
    arrays: dict[str, Array] = {}
    for name, value in state.items():
        if value is None:
            continue
        array = to_array(value)
        if array.shape == p._array.shape and (array.ndim or name not in COUNTS):
            arrays[name] = array.astype(p._array.dtype)
        elif array.ndim == 0:
            counts[name] = float(array)
        else:
            raise ValueError(
                f"load_state_dict: {name} has shape {array.shape}, its parameter {p._array.shape}"
            )
    return Entry(counts, arrays)


COUNTS = {"step", "mu_product"}


def to_array(value: Any) -> Array:
    """A tensor of this library or PyTorch's, an array or a number as an array."""
    if isinstance(value, Variable):
        return value._array
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def require(condition: bool, message: str) -> None:
    """Raise ValueError(`message`) unless `condition` holds."""
    if not condition:
        raise ValueError(message)
