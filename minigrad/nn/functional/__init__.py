"""``minigrad.nn.functional``: the functions that neural networks are made of.

Signatures, defaults and results are PyTorch's; ``import minigrad.nn.functional as F`` is the usual
way in.
"""

from minigrad.nn.functional.activations import *  # noqa: F403
from minigrad.nn.functional.attention import *  # noqa: F403
from minigrad.nn.functional.classification import *  # noqa: F403
from minigrad.nn.functional.convolution import *  # noqa: F403
from minigrad.nn.functional.distances import *  # noqa: F403
from minigrad.nn.functional.dropping import *  # noqa: F403
from minigrad.nn.functional.lookup import *  # noqa: F403
from minigrad.nn.functional.normalization import *  # noqa: F403
from minigrad.nn.functional.pooling import *  # noqa: F403
from minigrad.nn.functional.ranking import *  # noqa: F403
from minigrad.nn.functional.regression import *  # noqa: F403
from minigrad.nn.functional.vision import *  # noqa: F403
from minigrad.ops.diagonals import one_hot as one_hot
from minigrad.ops.padding import pad as pad
from minigrad.ops.products import linear as linear
