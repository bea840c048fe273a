"""Neural networks: modules, their functional forms, initial values, and utilities.

The names, arguments, parameters and results are PyTorch's.
"""

from minigrad.nn import functional as functional
from minigrad.nn import init as init
from minigrad.nn import modules as modules
from minigrad.nn import parallel as parallel
from minigrad.nn import utils as utils
from minigrad.nn.activation import *
from minigrad.nn.attention import *
from minigrad.nn.containers import *
from minigrad.nn.convolution import *
from minigrad.nn.dropout import *
from minigrad.nn.large_vocabularies import *
from minigrad.nn.lazy import *
from minigrad.nn.linear import *
from minigrad.nn.loss import *
from minigrad.nn.loss import NLLLoss
from minigrad.nn.module import Module as Module
from minigrad.nn.normalization import *
from minigrad.nn.parallel import DataParallel as DataParallel
from minigrad.nn.parameter import Buffer as Buffer
from minigrad.nn.parameter import Parameter as Parameter
from minigrad.nn.parameter import UninitializedBuffer as UninitializedBuffer
from minigrad.nn.parameter import UninitializedParameter as UninitializedParameter
from minigrad.nn.pooling import *
from minigrad.nn.positions import *
from minigrad.nn.rare import *
from minigrad.nn.recurrent import *
from minigrad.nn.recurrent import Cell as _Cell
from minigrad.nn.recurrent import Recurrent as _Recurrent
from minigrad.nn.shaping import *
from minigrad.nn.transformer import *
from minigrad.nn.volumes import *

RNNBase, RNNCellBase = _Recurrent, _Cell
NLLLoss2d = NLLLoss  # an older name
