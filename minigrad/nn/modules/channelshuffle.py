"""Channels in another order, where PyTorch has it."""

from minigrad.nn.positions import ChannelShuffle

__all__ = ["ChannelShuffle"]
