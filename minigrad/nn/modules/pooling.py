"""Pooling, where PyTorch has it."""

from minigrad.nn.pooling import *
from minigrad.nn.positions import MaxUnpool1d as MaxUnpool1d
from minigrad.nn.positions import MaxUnpool2d as MaxUnpool2d
from minigrad.nn.positions import MaxUnpool3d as MaxUnpool3d
from minigrad.nn.rare import FractionalMaxPool2d as FractionalMaxPool2d
from minigrad.nn.rare import FractionalMaxPool3d as FractionalMaxPool3d
from minigrad.nn.rare import LPPool1d as LPPool1d
from minigrad.nn.rare import LPPool2d as LPPool2d
from minigrad.nn.rare import LPPool3d as LPPool3d
from minigrad.nn.volumes import AdaptiveAvgPool3d as AdaptiveAvgPool3d
from minigrad.nn.volumes import AdaptiveMaxPool3d as AdaptiveMaxPool3d
from minigrad.nn.volumes import AvgPool3d as AvgPool3d
from minigrad.nn.volumes import MaxPool3d as MaxPool3d
