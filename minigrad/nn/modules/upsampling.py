"""Upsampling, where PyTorch has it."""

from minigrad.nn.shaping import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]
