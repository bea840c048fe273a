"""The adaptive softmax, where PyTorch has it."""

from minigrad.nn.large_vocabularies import AdaptiveLogSoftmaxWithLoss

__all__ = ["AdaptiveLogSoftmaxWithLoss"]
