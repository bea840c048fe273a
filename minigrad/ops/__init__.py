"""Every op of the library, by theme."""

from minigrad.ops.bessel import *
from minigrad.ops.combining import *
from minigrad.ops.combining import slope as slope
from minigrad.ops.combining import sum_to_size as sum_to_size
from minigrad.ops.combining import vander_columns as vander_columns
from minigrad.ops.comparison import *
from minigrad.ops.contraction import *
from minigrad.ops.conversion import *
from minigrad.ops.covariance import *
from minigrad.ops.diagonals import *
from minigrad.ops.diagonals import _diagonal_into as _diagonal_into
from minigrad.ops.diagonals import one_hot as one_hot
from minigrad.ops.elementwise import *
from minigrad.ops.elementwise import add as add
from minigrad.ops.elementwise import minus as minus
from minigrad.ops.elementwise import plus as plus
from minigrad.ops.elementwise import sub as sub
from minigrad.ops.exponential import *
from minigrad.ops.factorizations import *
from minigrad.ops.flagged import *
from minigrad.ops.gamma import *
from minigrad.ops.gathering import *
from minigrad.ops.gathering import unfold as unfold
from minigrad.ops.incomplete import *
from minigrad.ops.indexing import *
from minigrad.ops.integers import *
from minigrad.ops.joining import *
from minigrad.ops.matrices import *
from minigrad.ops.matrix_functions import *
from minigrad.ops.neural import *
from minigrad.ops.norms import *
from minigrad.ops.padding import *
from minigrad.ops.polynomials import *
from minigrad.ops.probabilities import *
from minigrad.ops.products import *
from minigrad.ops.products import linalg_cross as linalg_cross
from minigrad.ops.products import multi_dot as multi_dot
from minigrad.ops.products import vecdot as vecdot
from minigrad.ops.ranking import *
from minigrad.ops.rearranging import *
from minigrad.ops.rearranging import repeat as repeat
from minigrad.ops.reduction import *
from minigrad.ops.reduction import ValuesAndIndices as ValuesAndIndices
from minigrad.ops.scans import *
from minigrad.ops.scattering import *
from minigrad.ops.selection import *
from minigrad.ops.shaping import *
from minigrad.ops.shaping import clone as clone
from minigrad.ops.shaping import contiguous as contiguous
from minigrad.ops.shaping import copied as copied
from minigrad.ops.shaping import expand_as as expand_as
from minigrad.ops.shaping import reshape_as as reshape_as
from minigrad.ops.shaping import view as view
from minigrad.ops.shaping import view_as as view_as
from minigrad.ops.signs import *
from minigrad.ops.signs import cbrt as cbrt
from minigrad.ops.solving import *
from minigrad.ops.sorting import *
from minigrad.ops.special import *
from minigrad.ops.spectral import *
from minigrad.ops.statistics import *
from minigrad.ops.trigonometric import *
