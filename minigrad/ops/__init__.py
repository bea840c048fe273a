"""Every op of the library, by theme."""

from minigrad.ops.comparison import *  # noqa: F403
from minigrad.ops.conversion import *  # noqa: F403
from minigrad.ops.diagonals import *  # noqa: F403
from minigrad.ops.elementwise import *  # noqa: F403
from minigrad.ops.exponential import *  # noqa: F403
from minigrad.ops.gathering import *  # noqa: F403
from minigrad.ops.indexing import *  # noqa: F403
from minigrad.ops.joining import *  # noqa: F403
from minigrad.ops.neural import *  # noqa: F403
from minigrad.ops.padding import *  # noqa: F403
from minigrad.ops.products import *  # noqa: F403
from minigrad.ops.reduction import *  # noqa: F403
from minigrad.ops.selection import *  # noqa: F403
from minigrad.ops.shaping import *  # noqa: F403
from minigrad.ops.special import *  # noqa: F403
from minigrad.ops.trigonometric import *  # noqa: F403
