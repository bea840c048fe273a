"""The paths under which PyTorch has its modules: ``nn.modules.conv.Conv2d`` is ``nn.Conv2d``."""

from minigrad.nn.activation import *
from minigrad.nn.attention import *
from minigrad.nn.containers import *
from minigrad.nn.convolution import *
from minigrad.nn.dropout import *
from minigrad.nn.large_vocabularies import *
from minigrad.nn.lazy import *
from minigrad.nn.linear import *
from minigrad.nn.loss import *
from minigrad.nn.module import Module as Module
from minigrad.nn.modules import activation as activation
from minigrad.nn.modules import adaptive as adaptive
from minigrad.nn.modules import batchnorm as batchnorm
from minigrad.nn.modules import channelshuffle as channelshuffle
from minigrad.nn.modules import container as container
from minigrad.nn.modules import conv as conv
from minigrad.nn.modules import distance as distance
from minigrad.nn.modules import dropout as dropout
from minigrad.nn.modules import flatten as flatten
from minigrad.nn.modules import fold as fold
from minigrad.nn.modules import instancenorm as instancenorm
from minigrad.nn.modules import lazy as lazy
from minigrad.nn.modules import linear as linear
from minigrad.nn.modules import loss as loss
from minigrad.nn.modules import module as module
from minigrad.nn.modules import normalization as normalization
from minigrad.nn.modules import padding as padding
from minigrad.nn.modules import pixelshuffle as pixelshuffle
from minigrad.nn.modules import pooling as pooling
from minigrad.nn.modules import rnn as rnn
from minigrad.nn.modules import sparse as sparse
from minigrad.nn.modules import transformer as transformer
from minigrad.nn.modules import upsampling as upsampling
from minigrad.nn.modules import utils as utils
from minigrad.nn.normalization import *
from minigrad.nn.pooling import *
from minigrad.nn.positions import *
from minigrad.nn.rare import *
from minigrad.nn.recurrent import *
from minigrad.nn.shaping import *
from minigrad.nn.transformer import *
from minigrad.nn.volumes import *
