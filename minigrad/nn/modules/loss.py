"""Losses, where PyTorch has them."""

from minigrad.nn.large_vocabularies import CTCLoss as CTCLoss
from minigrad.nn.loss import *
from minigrad.nn.loss import Loss, WeightedLoss

_Loss = Loss
_WeightedLoss = WeightedLoss
