"""Losses, where PyTorch has them."""

from minigrad.nn.loss import *
from minigrad.nn.loss import Loss, WeightedLoss

_Loss = Loss
_WeightedLoss = WeightedLoss
