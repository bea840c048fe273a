"""``minigrad.nn.functional``: the functions that neural networks are made of.

Signatures, defaults and results are PyTorch's; ``import minigrad.nn.functional as F`` is the usual
way in.
"""

from minigrad.nn.functional.activations import *
from minigrad.nn.functional.alignment import *
from minigrad.nn.functional.attention import *
from minigrad.nn.functional.classification import *
from minigrad.nn.functional.convolution import *
from minigrad.nn.functional.distances import *
from minigrad.nn.functional.dropping import *
from minigrad.nn.functional.lookup import *
from minigrad.nn.functional.normalization import *
from minigrad.nn.functional.pooling import *
from minigrad.nn.functional.positions import *
from minigrad.nn.functional.ranking import *
from minigrad.nn.functional.rare_pooling import *
from minigrad.nn.functional.regression import *
from minigrad.nn.functional.renamed import *
from minigrad.nn.functional.resizing import *
from minigrad.nn.functional.sampling import *
from minigrad.nn.functional.softmaxes import *
from minigrad.nn.functional.vision import *
from minigrad.nn.functional.volumes import *
from minigrad.ops.diagonals import one_hot as one_hot
from minigrad.ops.padding import pad as pad
from minigrad.ops.products import linear as linear
