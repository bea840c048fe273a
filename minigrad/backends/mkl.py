"""Intel's MKL: whether NumPy was built with it is NumPy's to say."""

from minigrad.backends.absent import flags as flags
from minigrad.backends.absent import is_available as is_available

enabled = False
