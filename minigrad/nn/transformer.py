"""Transformers: encoders, decoders, and both together."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import promotion
from minigrad.errors import ArgumentError
from minigrad.graph import wrap
from minigrad.nn import functional, init
from minigrad.nn.attention import MultiheadAttention
from minigrad.nn.containers import ModuleList
from minigrad.nn.dropout import Dropout
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.normalization import LayerNorm
from minigrad.tensor import Tensor

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer",
]  # fmt: skip


def activation_of(activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of a name.

    Raises   ValueError for a name that is not "relu" or "gelu".
    """
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise ArgumentError(f"activation is 'relu', 'gelu' or a function, got {activation!r}")
    return functional.relu if activation == "relu" else functional.gelu


class TransformerEncoderLayer(Module):
    """Attention of a sequence to itself, then a network for each entry, with residuals.

    d_model          size of an entry
    nhead            heads of attention
    dim_feedforward  size of the hidden layer of the network
    dropout          probability of a zero, in training
    activation       of the hidden layer: "relu", "gelu" or a function
    layer_norm_eps   eps of the normalizations
    batch_first      sequences are (n, length, ...) instead of (length, n, ...)
    norm_first       normalize before each part instead of after it
    bias             whether the linear layers and normalizations have biases

    Forward     x = norm1(x + attention(x)); out = norm2(x + network(x)); or with `norm_first`
                x = x + attention(norm1(x)); out = x + network(norm2(x))
    Shapes      (length, n, d_model), unchanged; or without n
    Source      Vaswani et al. 2017, section 3.1
    Example     >>> layer = mg.nn.TransformerEncoderLayer(8, 2, batch_first=True)
                >>> layer(mg.ones(1, 5, 8)).shape
                (1, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        here = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, **here
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, **here)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **here)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **here)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **here)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation_of(activation)

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The masks are those of `MultiheadAttention`: attn_mask and key_padding_mask."""

        def attend(x: Any) -> Tensor:
            out, _ = self.self_attn(
                x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal
            )
            return self.dropout1(out)

        def transform(x: Any) -> Tensor:
            return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        if self.norm_first:
            src = src + attend(self.norm1(src))
            return src + transform(self.norm2(src))
        src = self.norm1(src + attend(src))
        return self.norm2(src + transform(src))


class TransformerEncoder(Module):
    """Copies of a `TransformerEncoderLayer`, one after the other.

    encoder_layer         the layer to copy
    num_layers            how many
    norm                  a module to apply at the end
    enable_nested_tensor  for PyTorch's sake; it changes nothing, nor does `mask_check`

    Shapes   those of the layer
    Example  >>> layer = mg.nn.TransformerEncoderLayer(4, 2, dim_feedforward=8, batch_first=True)
             >>> mg.nn.TransformerEncoder(layer, 2)(mg.ones(1, 3, 4)).shape
             (1, 3, 4)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        src: Any,
        mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The masks are those of `MultiheadAttention`: attn_mask and key_padding_mask."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal=bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoderLayer(Module):
    """Attention of a sequence to itself and to another one, then a network for each entry.

    The arguments are those of `TransformerEncoderLayer`.

    Forward     x = norm1(x + attention(x)); x = norm2(x + attention to memory);
                out = norm3(x + network(x)); or with `norm_first` the norms before each part
    Shapes      (length, n, d_model) and memory (length', n, d_model) -> (length, n, d_model)
    Source      Vaswani et al. 2017, section 3.1
    Example     >>> layer = mg.nn.TransformerDecoderLayer(8, 2, batch_first=True)
                >>> layer(mg.ones(1, 5, 8), mg.ones(1, 3, 8)).shape
                (1, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        here = {"device": device, "dtype": dtype}

        def attention() -> MultiheadAttention:
            return MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, **here
            )

        self.self_attn, self.multihead_attn = attention(), attention()
        self.linear1 = Linear(d_model, dim_feedforward, bias, **here)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **here)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **here)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **here)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, **here)
        self.dropout1, self.dropout2, self.dropout3 = [Dropout(dropout) for _ in range(3)]
        self.activation = activation_of(activation)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The masks are those of `MultiheadAttention`, for the sequence and for the memory."""

        def attend(x: Any) -> Any:
            out, _ = self.self_attn(
                x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal
            )
            return self.dropout1(out)

        def look_up(x: Any) -> Any:
            out, _ = self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask,
                is_causal=memory_is_causal,
            )  # fmt: skip
            return self.dropout2(out)

        def transform(x: Any) -> Any:
            return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        if self.norm_first:
            tgt = tgt + attend(self.norm1(tgt))
            tgt = tgt + look_up(self.norm2(tgt))
            return tgt + transform(self.norm3(tgt))
        tgt = self.norm1(tgt + attend(tgt))
        tgt = self.norm2(tgt + look_up(tgt))
        return self.norm3(tgt + transform(tgt))


class TransformerDecoder(Module):
    """Copies of a `TransformerDecoderLayer`, one after the other.

    decoder_layer  the layer to copy
    num_layers     how many
    norm           a module to apply at the end

    Shapes   those of the layer
    Example  >>> layer = mg.nn.TransformerDecoderLayer(4, 2, dim_feedforward=8, batch_first=True)
             >>> mg.nn.TransformerDecoder(layer, 2)(mg.ones(1, 3, 4), mg.ones(1, 5, 4)).shape
             (1, 3, 4)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The masks are those of `MultiheadAttention`, for the sequence and for the memory."""
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
                memory_key_padding_mask, bool(tgt_is_causal), memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder of one sequence and a decoder of another, which looks up what was encoded.

    d_model, nhead                           as of the layers
    num_encoder_layers, num_decoder_layers   how many
    custom_encoder, custom_decoder           modules to use instead
    the others                               as of `TransformerEncoderLayer`

    Parameters  matrices at first uniform, after Glorot and Bengio 2010
    Shapes      src (length, n, d_model), tgt (length', n, d_model) -> (length', n, d_model)
    Raises      ValueError if src and tgt have other numbers of sequences, or sizes of entries
    Source      Vaswani et al. 2017
    Example     >>> net = mg.nn.Transformer(8, 2, 1, 1, dim_feedforward=16, batch_first=True)
                >>> mask = net.generate_square_subsequent_mask(5)
                >>> net(mg.ones(1, 3, 8), mg.ones(1, 5, 8), tgt_mask=mask).shape
                (1, 5, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        here = {"device": device, "dtype": dtype}
        arguments = (
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first, bias,
        )  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, **here)

        self.encoder: Any = custom_encoder
        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*arguments, **here)
            self.encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm())
        self.decoder: Any = custom_decoder
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*arguments, **here)
            self.decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm())
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The masks are those of `MultiheadAttention`, for the two sequences and the memory."""
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise ArgumentError(
                f"Transformer: src of shape {src.shape} and tgt of shape {tgt.shape} have other "
                "numbers of sequences"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise ArgumentError(
                f"Transformer: entries have size {self.d_model}, got {src.shape} and {tgt.shape}"
            )
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
            tgt_is_causal, memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
        """A mask that hides the future: -∞ above the diagonal, else 0."""
        kind = promotion.default_dtype if dtype is None else dtype
        return wrap(np.triu(np.full((sz, sz), -np.inf, kind), 1))
