"""Recurrent networks: plain, LSTM and GRU, as single steps (cells) and over whole sequences.

The weights of the gates are stacked: weight_ih (gates * hidden, input), weight_hh (gates * hidden,
hidden), and likewise two biases.  All are at first uniform in ±1/√hidden.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.errors import ArgumentError
from minigrad.graph import wrap
from minigrad.nn import functional, init, parameter
from minigrad.nn.linear import fortran_parameter, linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.utils.rnn import PackedSequence
from minigrad.ops import recurrent
from minigrad.promotion import get_default_dtype
from minigrad.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]


# ------------------------------------------------------------------------------------ single steps


def rnn_step(from_input: Any, from_hidden: Any, nonlinearity: str) -> Any:
    """h' = tanh(W x + b + U h + c), or relu of it.

    from_input   W x + b, (n, hidden)
    from_hidden  U h + c, (n, hidden)
    """
    total = from_input + from_hidden
    return ops.tanh(total) if nonlinearity == "tanh" else ops.relu(total)


def lstm_step(from_input: Any, from_hidden: Any, cell: Any) -> tuple[Any, Any]:
    """One step of long short-term memory; returns h' and c'.

    i, f, g, o are the quarters of W x + b + U h + c;
    c' = σ(f) c + σ(i) tanh(g)        h' = σ(o) tanh(c')

    Source   Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 for f
    """
    state: Any = recurrent._lstm_cell([from_input + from_hidden, cell])
    return state.hidden, state.cell


def gru_step(from_input: Any, from_hidden: Any, hidden: Any) -> Any:
    """One step of a gated recurrent unit; returns h'.

    With the thirds (r, z, n) of a = W x + b and of u = U h + c:
    r = σ(aᵣ + uᵣ)        z = σ(a_z + u_z)        n = tanh(aₙ + r uₙ)        h' = (1 - z) n + z h

    Source   Cho et al. 2014
    """
    return recurrent._gru_cell([from_input, from_hidden, hidden])


class Cell(Module):
    """What the cells have in common."""

    gates: int
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.gates * hidden_size
        self.weight_ih = fortran_parameter(rows, input_size, dtype, device)
        self.weight_hh = fortran_parameter(rows, hidden_size, dtype, device)
        for name in ("bias_ih", "bias_hh"):
            made = parameter.empty(rows, dtype=dtype, device=device) if bias else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial values anew."""
        reset_uniformly(self, self.hidden_size)

    def _checked(self, input: Any) -> Any:
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ArgumentError(
                f"{type(self).__name__} takes (n, {self.input_size}) or ({self.input_size},), got "
                f"{input.shape}"
            )
        return input

    def _state(self, input: Any, state: Any) -> Any:
        """The given state, checked, or zeros."""
        shape = (*input.shape[:-1], self.hidden_size)
        if state is None:
            return zeros(input, shape)
        if state.shape != shape:
            raise ArgumentError(f"{type(self).__name__}: the state is {shape}, got {state.shape}")
        return state

    def _products(self, input: Any, hidden: Any) -> tuple[Any, Any]:
        return (
            linear(input, self.weight_ih, self.bias_ih),
            linear(hidden, self.weight_hh, self.bias_hh),
        )

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        return text if self.bias else f"{text}, bias={self.bias}"


class RNNCell(Cell):
    """One step of a plain recurrent network.

    nonlinearity   "tanh" or "relu"

    Forward     h' = tanh(W x + b + U h + c)
    Parameters  weight_ih (hidden, input), weight_hh (hidden, hidden), bias_ih, bias_hh (hidden,)
    Shapes      (n, input), (n, hidden) or None for zeros -> (n, hidden); or all without n
    Source      Elman 1990
    Example     >>> mg.nn.RNNCell(2, 3)(mg.ones(5, 2)).shape
                (5, 3)
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_nonlinearity(nonlinearity)
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Tensor:
        hidden = self._state(self._checked(input), hx)
        return rnn_step(*self._products(input, hidden), self.nonlinearity)

    def extra_repr(self) -> str:
        text = super().extra_repr()
        return text if self.nonlinearity == "tanh" else f"{text}, nonlinearity={self.nonlinearity}"


class LSTMCell(Cell):
    """One step of long short-term memory: see `lstm_step`.

    Parameters  weight_ih (4 hidden, input), weight_hh (4 hidden, hidden),
                bias_ih, bias_hh (4 hidden,)
    Shapes      (n, input), and a pair of (n, hidden) or None for zeros -> a pair of (n, hidden),
                the hidden state and the cell's; or all without n
    Example     >>> hidden, cell = mg.nn.LSTMCell(2, 3)(mg.ones(5, 2))
                >>> hidden.shape, cell.shape
                ((5, 3), (5, 3))
    """

    gates = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Tensor, Tensor]:
        self._checked(input)
        hidden, cell = (None, None) if hx is None else hx
        hidden, cell = self._state(input, hidden), self._state(input, cell)
        return lstm_step(*self._products(input, hidden), cell)


class GRUCell(Cell):
    """One step of a gated recurrent unit: see `gru_step`.

    Parameters  weight_ih (3 hidden, input), weight_hh (3 hidden, hidden),
                bias_ih, bias_hh (3 hidden,)
    Shapes      (n, input), (n, hidden) or None for zeros -> (n, hidden); or all without n
    Example     >>> mg.nn.GRUCell(2, 3)(mg.ones(5, 2)).shape
                (5, 3)
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Tensor:
        hidden = self._state(self._checked(input), hx)
        return gru_step(*self._products(input, hidden), hidden)


def zeros(input: Any, shape: tuple[int, ...]) -> Any:
    """A first state: zeros of the type of the input, or of the default one beside integers."""
    return wrap(np.zeros(shape, input.dtype if input.dtype.kind == "f" else get_default_dtype()))


def check_nonlinearity(nonlinearity: str) -> None:
    if nonlinearity not in ("tanh", "relu"):
        raise ArgumentError(f"nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")


def reset_uniformly(module: Module, hidden_size: int) -> None:
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0.0
    for weight in module.parameters():
        init.uniform_(weight, -bound, bound)


# --------------------------------------------------------------------------------------- sequences


class Recurrent(Module):
    """Layers of recurrent cells that run along sequences.

    input_size     size of an input at one time
    hidden_size    size of the hidden state
    num_layers     layers, each of which reads what the one before returned
    bias           whether the cells have biases
    batch_first    sequences are (n, length, ...) instead of (length, n, ...)
    dropout        probability of a zero between layers, in training
    bidirectional  a second set of cells runs from the end to the beginning
    """

    gates: int
    states = 1  # how many states a cell has

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if hidden_size < 1 or num_layers < 1:
            raise ArgumentError(
                f"{name}: hidden_size and num_layers are at least 1, got {hidden_size} and "
                f"{num_layers}"
            )
        if not 0 <= dropout <= 1:
            raise ArgumentError(f"{name}: dropout is a probability from 0 to 1, got {dropout}")
        if not 0 <= proj_size < hidden_size:
            raise ArgumentError(f"{name}: proj_size is less than hidden_size, got {proj_size}")
        if dropout and num_layers == 1:
            warnings.warn(
                f"{name}: dropout acts between layers, and there is only one", stacklevel=3
            )
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self.output_size = proj_size or hidden_size
        self.suffixes = [
            [f"_l{layer}{direction}" for direction in ("", "_reverse")[: 1 + bidirectional]]
            for layer in range(num_layers)
        ]
        for layer, suffixes in enumerate(self.suffixes):
            for suffix in suffixes:
                width = input_size if layer == 0 else self.output_size * len(suffixes)
                self._register_cell(suffix, width, dtype, device)
        self.reset_parameters()

    def _register_cell(self, suffix: str, width: int, dtype: Any, device: Any) -> None:
        rows = self.gates * self.hidden_size
        weight = fortran_parameter(rows, width, dtype, device)
        self.register_parameter(f"weight_ih{suffix}", weight)
        weight = fortran_parameter(rows, self.output_size, dtype, device)
        self.register_parameter(f"weight_hh{suffix}", weight)
        if self.bias:
            for name in ("bias_ih", "bias_hh"):
                made = parameter.empty(rows, dtype=dtype, device=device)
                self.register_parameter(name + suffix, made)
        if self.proj_size:
            weight = fortran_parameter(self.proj_size, self.hidden_size, dtype, device)
            self.register_parameter(f"weight_hr{suffix}", weight)

    def reset_parameters(self) -> None:
        """Draw the initial values anew."""
        reset_uniformly(self, self.hidden_size)

    def flatten_parameters(self) -> None:
        """For PyTorch's sake; it changes nothing."""

    def _step(self, from_input: Any, from_hidden: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        """The states after one more entry of the sequence."""
        raise NotImplementedError

    def _run_cell(
        self, inputs: Any, suffix: str, states: tuple[Any, ...]
    ) -> tuple[list[Any], tuple[Any, ...]]:
        """One cell along a sequence: its hidden states (a list), and the last states."""
        weight_ih, bias_ih, weight_hh, bias_hh, weight_hr = (
            getattr(self, name + suffix, None)
            for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh", "weight_hr")
        )
        steps = list(ops.unbind(linear(inputs, weight_ih, bias_ih), 0))
        if suffix.endswith("reverse"):
            steps.reverse()
        outputs = []
        for from_input in steps:
            states = self._step(from_input, linear(states[0], weight_hh, bias_hh), states)
            if weight_hr is not None:
                states = (linear(states[0], weight_hr, None), *states[1:])
            outputs.append(states[0])
        if suffix.endswith("reverse"):
            outputs.reverse()
        return outputs, states

    def _run_packed_cell(
        self, inputs: Any, sizes: list[int], suffix: str, states: tuple[Any, ...]
    ) -> tuple[list[Any], tuple[Any, ...]]:
        """`_run_cell` along sequences of falling lengths: `sizes` of them are left at each time."""
        names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh", "weight_hr")
        weight_ih, bias_ih, weight_hh, bias_hh, weight_hr = [
            getattr(self, name + suffix, None) for name in names
        ]
        steps = ops.split(linear(inputs, weight_ih, bias_ih), sizes, 0)
        backward = suffix.endswith("reverse")
        times = range(len(sizes) - 1, -1, -1) if backward else range(len(sizes))
        first, finished = states, []
        states = tuple([state[: sizes[times[0]]] for state in states])
        outputs: list[Any] = []
        for time in times:
            there, now = states[0].shape[0], sizes[time]
            if now > there:  # backwards, sequences begin at their own ends
                states = tuple([ops.cat([s, f[there:now]], 0) for s, f in zip(states, first)])
            elif now < there:
                finished.append([state[now:] for state in states])
                states = tuple([state[:now] for state in states])
            states = self._step(steps[time], linear(states[0], weight_hh, bias_hh), states)
            if weight_hr is not None:
                states = (linear(states[0], weight_hr, None), *states[1:])
            outputs.append(states[0])
        if backward:
            outputs.reverse()
        last = zip(states, *reversed(finished))
        return outputs, tuple([ops.cat(list(parts), 0) for parts in last])

    def _forward_packed(self, packed: PackedSequence, states: Any) -> tuple[Any, list[Any]]:
        """`_forward` of a packed sequence; first and last states are in the order of the batch."""
        sizes = packed.batch_sizes.tolist()
        if states is not None and packed.sorted_indices is not None:
            states = tuple([ops.index_select(s, 1, packed.sorted_indices) for s in states])
        like = ops.expand(packed.data[:1][:, None], (1, sizes[0], packed.data.shape[-1]))
        states = self._first_states(like, states, batched=True)
        output, last = self._run_layers(packed.data, states, sizes)
        if packed.unsorted_indices is not None:
            last = [ops.index_select(state, 1, packed.unsorted_indices) for state in last]
        return packed._replace(data=output), last

    def _run_layers(
        self, inputs: Any, states: tuple[Any, ...], sizes: list[int] | None = None
    ) -> tuple[Any, list[Any]]:
        """All layers along (length, n, input): their output, and the last states of all cells.

        sizes   of a packed sequence, which is (total length, input): how many are left at each time
        """
        cells = [suffix for suffixes in self.suffixes for suffix in suffixes]
        first = dict(zip(cells, zip(*[ops.unbind(state, 0) for state in states])))
        last = []
        for layer, suffixes in enumerate(self.suffixes):
            if layer and self.dropout:
                inputs = functional.dropout(inputs, self.dropout, self.training)
            if sizes is None:
                results = [self._run_cell(inputs, suffix, first[suffix]) for suffix in suffixes]
            else:
                results = [
                    self._run_packed_cell(inputs, sizes, suffix, first[suffix])
                    for suffix in suffixes
                ]
            join = ops.stack if sizes is None else ops.cat
            directions = [join(outputs) for outputs, _ in results]
            inputs = ops.cat(directions, -1) if self.bidirectional else directions[0]
            last += [states for _, states in results]
        return inputs, [ops.stack(states) for states in zip(*last)]

    def _forward(self, input: Any, states: Any) -> tuple[Any, list[Any]]:
        """The output and the last states, in the layout of the input."""
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, states)
        if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
            layout = "(n, length, {})" if self.batch_first else "(length, n, {})"
            raise ArgumentError(
                f"{type(self).__name__} takes {layout.format(self.input_size)}, or without n, got "
                f"{input.shape}"
            )
        batched = input.ndim == 3
        if not batched:
            input = input[:, None]
        elif self.batch_first:
            input = ops.transpose(input, 0, 1)
        if not len(input):
            raise ArgumentError(f"{type(self).__name__}: the sequence is empty")
        states = self._first_states(input, states, batched)
        output, last = self._run_layers(input, states)
        if not batched:
            return output[:, 0], [state[:, 0] for state in last]
        return (ops.transpose(output, 0, 1) if self.batch_first else output), last

    def _first_states(self, input: Any, states: Any, batched: bool) -> tuple[Any, ...]:
        """The given states, checked, or zeros."""
        cells = self.num_layers * (1 + self.bidirectional)
        sizes = (self.output_size, self.hidden_size)[: self.states]
        found = []
        for size, state in zip(sizes, states or (None,) * self.states):
            if state is None:
                found.append(zeros(input, (cells, input.shape[1], size)))
                continue
            shape = (cells, input.shape[1], size) if batched else (cells, size)
            if state.shape != shape:
                raise ArgumentError(
                    f"{type(self).__name__}: a first state has shape {shape}, got {state.shape}"
                )
            found.append(state if batched else state[:, None])
        return tuple(found)

    def forward(self, input: Any, hx: Any = None) -> tuple[Tensor, Any]:
        output, (hidden,) = self._forward(input, None if hx is None else (hx,))
        return output, hidden

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False,
                 "dropout": 0, "bidirectional": False}  # fmt: skip
        for name, value in usual.items():
            if getattr(self, name) != value:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)


class RNN(Recurrent):
    """Plain recurrent layers: h' = tanh(W x + b + U h + c) along a sequence.

    nonlinearity   "tanh" or "relu"; the other arguments are those of `LSTM`

    Parameters  of layer k: weight_ih_lk (hidden, input), weight_hh_lk (hidden, hidden), bias_ih_lk,
                bias_hh_lk (hidden,); with "_reverse" those of the other direction
    Shapes      (length, n, input), (layers * directions, n, hidden) or None for zeros
                -> (length, n, directions * hidden), (layers * directions, n, hidden)
    Example     >>> output, last = mg.nn.RNN(3, 5)(mg.ones(7, 2, 3))
                >>> output.shape, last.shape
                ((7, 2, 5), (1, 2, 5))
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_nonlinearity(nonlinearity)
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0,
            device, dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity

    def _step(self, from_input: Any, from_hidden: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        return (rnn_step(from_input, from_hidden, self.nonlinearity),)


class LSTM(Recurrent):
    """Layers of long short-term memory along a sequence: see `lstm_step`.

    input_size     size of an input at one time
    hidden_size    size of the hidden state
    num_layers     layers, each of which reads what the one before returned
    bias           whether the cells have biases
    batch_first    sequences are (n, length, ...) instead of (length, n, ...)
    dropout        probability of a zero between layers, in training
    bidirectional  a second set of cells runs from the end to the beginning
    proj_size      if positive, hidden states are multiplied to this size by a learned matrix

    Parameters  of layer k: weight_ih_lk (4 hidden, input), weight_hh_lk (4 hidden, hidden),
                bias_ih_lk, bias_hh_lk (4 hidden,), and weight_hr_lk (proj_size, hidden) with a
                projection; with "_reverse" those of the other direction
    Shapes      (length, n, input), and a pair of (layers * directions, n, hidden) or None for
                zeros -> (length, n, directions * hidden), and such a pair; or all without n
    Example     >>> output, (hidden, cell) = mg.nn.LSTM(3, 5, num_layers=2)(mg.ones(7, 2, 3))
                >>> output.shape, cell.shape
                ((7, 2, 5), (2, 2, 5))
    """

    gates, states = 4, 2

    def _step(self, from_input: Any, from_hidden: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        return lstm_step(from_input, from_hidden, states[1])

    def forward(self, input: Any, hx: Any = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        output, (hidden, cell) = self._forward(input, hx)
        return output, (hidden, cell)


class GRU(Recurrent):
    """Layers of gated recurrent units along a sequence: see `gru_step`.

    The arguments are those of `LSTM`, without `proj_size`.

    Parameters  of layer k: weight_ih_lk (3 hidden, input), weight_hh_lk (3 hidden, hidden),
                bias_ih_lk, bias_hh_lk (3 hidden,); with "_reverse" those of the other direction
    Shapes      (length, n, input), (layers * directions, n, hidden) or None for zeros
                -> (length, n, directions * hidden), (layers * directions, n, hidden)
    Example     >>> out, hidden = mg.nn.GRU(2, 3)(mg.ones(5, 1, 2))
                >>> out.shape, hidden.shape
                ((5, 1, 3), (1, 1, 3))
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0,
            device, dtype,
        )  # fmt: skip

    def _step(self, from_input: Any, from_hidden: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        return (gru_step(from_input, from_hidden, states[0]),)
