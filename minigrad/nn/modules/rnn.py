"""Recurrent layers, where PyTorch has them."""

from minigrad.nn.recurrent import *
from minigrad.nn.recurrent import Cell, Recurrent

RNNBase = Recurrent
RNNCellBase = Cell
