"""Dropout, where PyTorch has it."""

from minigrad.nn.dropout import *
from minigrad.nn.dropout import DropoutBase

_DropoutNd = DropoutBase
