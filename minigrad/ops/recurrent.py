"""Single steps of recurrent networks, fused: one node where a composition would record a dozen.

Measured on 20 steps, 32 samples and 32 hidden entries, forward and backward through an LSTM take
0.7 of the time that they take with a node for each sigmoid, tanh and product.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.calls import Array, op

# ------------------------------------------------------------------------- long short-term memory


class LSTMState(NamedTuple):
    """What a step of an LSTM returns."""

    hidden: Array
    cell: Array


@lru_cache(maxsize=64)
def gate_constants(size: int, dtype: Any) -> tuple[Array, Array]:
    """a and b for which ``a tanh(a x) + b`` is σ(x) for the gates i, f, o, and tanh(x) for g.

    σ(x) = ½ tanh(½ x) + ½, so one call of tanh serves all four.
    """
    a, b = np.repeat(np.array([[0.5, 0.5, 1.0, 0.5], [0.5, 0.5, 0.0, 0.5]], dtype), size, axis=1)
    return a, b


def activate(gates: Array) -> Array:
    """σ of the quarters i, f and o, and tanh of the third quarter g."""
    a, b = gate_constants(gates.shape[-1] // 4, gates.dtype)
    return np.tanh(gates * a) * a + b


def quarters(x: Array) -> tuple[Array, Array, Array, Array]:
    n = x.shape[-1] // 4
    return x[..., :n], x[..., n : 2 * n], x[..., 2 * n : 3 * n], x[..., 3 * n :]


def new_cell(activated: Array, cell: Array) -> Array:
    i, f, g, _ = quarters(activated)
    return f * cell + i * g


def lstm_vjp(
    g: LSTMState, tensors: Sequence[Array], activated: Array, squashed: Array
) -> list[Array]:
    """d(gates) and d(cell), see `_lstm_cell`; `squashed` is tanh(c').

    The slope of y = a tanh(a x) + b is a² - (y - b)².
    """
    gates, cell = tensors
    i, f, candidate, o = quarters(activated)
    through_cell = g.cell
    if g.hidden is not None:
        from_hidden = g.hidden * o * (1 - squashed * squashed)
        through_cell = from_hidden if through_cell is None else through_cell + from_hidden
    to_o = g.hidden * squashed if g.hidden is not None else through_cell * 0
    parts = [through_cell * candidate, through_cell * cell, through_cell * i, to_o]
    a, b = gate_constants(gates.shape[-1] // 4, gates.dtype)
    centred = activated - b
    slope = a * a - centred * centred
    return [np.concatenate(parts, axis=-1) * slope, through_cell * f]


@op(
    joint=lstm_vjp,
    keep={
        "activated": lambda tensors: activate(tensors[0]),
        "squashed": lambda tensors: np.tanh(new_cell(activate(tensors[0]), tensors[1])),
    },
    notation="lstm_cell({tensors})",
)
def _lstm_cell(tensors: Sequence[Array]) -> Any:
    """One step of long short-term memory: (gates, c) -> (h', c').

    Forward    i, f, g, o are the quarters of the gates;
               c' = σ(f) c + σ(i) tanh(g)        h' = σ(o) tanh(c')
    Gradient   gates̅ = (γ tanh(g) σ'(i), γ c σ'(f), γ σ(i) tanh'(g), h̄' tanh(c') σ'(o)) with
               γ = c̄' + h̄' σ(o) (1 - tanh²(c')), i, f, g, o the quarters of gates, and h', c' = out
               c̄ = (c̄' + h̄' σ(o) (1 - tanh²(c'))) σ(f) with f, o the second and the last quarter
               of gates, and h', c' = out
    Shapes     (..., 4 hidden), (..., hidden) -> two of (..., hidden)
    Source     Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 for f
    Example    >>> state = mg.ops.recurrent._lstm_cell([mg.zeros(1, 4), mg.ones(1, 1)])
               >>> state.cell
               tensor([[0.5]])
    """
    gates, cell = tensors
    activated = activate(gates)
    cell = new_cell(activated, cell)
    squashed = np.tanh(cell)
    return LSTMState(quarters(activated)[3] * squashed, cell), activated, squashed


# --------------------------------------------------------------------------- gated recurrent unit


def gru_gates(tensors: Sequence[Array]) -> Array:
    """r and z, side by side: σ of the first two thirds, σ(x) = ½ tanh(½ x) + ½."""
    from_input, from_hidden, _ = tensors
    n = from_input.shape[-1] // 3
    return np.tanh((from_input[..., : 2 * n] + from_hidden[..., : 2 * n]) * 0.5) * 0.5 + 0.5


def gru_candidate(tensors: Sequence[Array], gates: Array) -> Array:
    from_input, from_hidden, _ = tensors
    n = gates.shape[-1] // 2
    return np.tanh(from_input[..., 2 * n :] + gates[..., :n] * from_hidden[..., 2 * n :])


def gru_vjp(g: Array, tensors: Sequence[Array], gates: Array, candidate: Array) -> list[Array]:
    """The gradients of the three operands of `_gru_cell`."""
    _, from_hidden, hidden = tensors
    n = hidden.shape[-1]
    r, z = gates[..., :n], gates[..., n:]
    to_n = g * (1 - z) * (1 - candidate * candidate)
    to_r = to_n * from_hidden[..., 2 * n :]
    to_z = g * (hidden - candidate)
    to_gates = np.concatenate([to_r, to_z], axis=-1) * gates * (1 - gates)
    return [
        np.concatenate([to_gates, to_n], axis=-1),
        np.concatenate([to_gates, to_n * r], axis=-1),
        g * z,
    ]


@op(
    joint=gru_vjp,
    keep={
        "gates": gru_gates,
        "candidate": lambda tensors: gru_candidate(tensors, gru_gates(tensors)),
    },
    notation="gru_cell({tensors})",
)
def _gru_cell(tensors: Sequence[Array]) -> Any:
    """One step of a gated recurrent unit: (a, u, h) -> h', with a = W x + b and u = U h + c.

    Forward    with the thirds of a and u:  r = σ(aᵣ + uᵣ)        z = σ(a_z + u_z)
               n = tanh(aₙ + r uₙ)        h' = (1 - z) n + z h
    Gradient   ā = (ν q r (1 - r), ḡ (h - n) z (1 - z), ν) with ν = ḡ (1 - z) (1 - n²) and q the
               last third of u
               ū = (ν q r (1 - r), ḡ (h - n) z (1 - z), ν r) with ν = ḡ (1 - z) (1 - n²) and q the
               last third of u
               h̄ = ḡ z with z the update gate; r, z and n are those of the forward
    Shapes     (..., 3 hidden), (..., 3 hidden), (..., hidden) -> (..., hidden)
    Source     Cho et al. 2014
    Example    >>> mg.ops.recurrent._gru_cell([mg.zeros(1, 3), mg.zeros(1, 3), mg.ones(1, 1)])
               tensor([[0.5]])
    """
    gates = gru_gates(tensors)
    candidate = gru_candidate(tensors, gates)
    hidden = tensors[2]
    z = gates[..., hidden.shape[-1] :]
    return candidate + z * (hidden - candidate), gates, candidate
