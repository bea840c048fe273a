"""Convolutions, where PyTorch has them."""

from minigrad.nn.convolution import *
from minigrad.nn.convolution import Convolution, TransposedConvolution

_ConvNd = Convolution
_ConvTransposeNd = TransposedConvolution
