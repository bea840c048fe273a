"""Every op of the library, by theme."""

from minigrad.ops.elementwise import *  # noqa: F403
from minigrad.ops.indexing import *  # noqa: F403
from minigrad.ops.neural import *  # noqa: F403
from minigrad.ops.products import *  # noqa: F403
from minigrad.ops.reduction import *  # noqa: F403
from minigrad.ops.shaping import *  # noqa: F403
