"""Neural networks: modules, their functional forms, initial values, and utilities.

The names, arguments, parameters and results are PyTorch's.
"""

from minigrad.nn import functional as functional
from minigrad.nn import init as init
from minigrad.nn import utils as utils
from minigrad.nn.activation import *  # noqa: F403
from minigrad.nn.attention import *  # noqa: F403
from minigrad.nn.containers import *  # noqa: F403
from minigrad.nn.convolution import *  # noqa: F403
from minigrad.nn.dropout import *  # noqa: F403
from minigrad.nn.linear import *  # noqa: F403
from minigrad.nn.loss import *  # noqa: F403
from minigrad.nn.module import Module as Module
from minigrad.nn.normalization import *  # noqa: F403
from minigrad.nn.parameter import Parameter as Parameter
from minigrad.nn.pooling import *  # noqa: F403
from minigrad.nn.recurrent import *  # noqa: F403
from minigrad.nn.shaping import *  # noqa: F403
