"""Derivatives of functions: ``grad vjp jvp jacrev jacfwd hessian vmap``, with PyTorch's names.

The functions here take a function and return one, or return its value with a derivative.  Arguments
and results are tensors, or tuples, lists and dicts of them.  The function is called on fresh copies
of the tensors, so ``.grad`` of nothing is touched, and everything nests: ``grad(grad(f))`` works.
"""

from minigrad.func.batches import vmap
from minigrad.func.derivatives import grad, grad_and_value, jvp, linearize, vjp
from minigrad.func.jacobians import hessian, jacfwd, jacrev
from minigrad.func.modules import functional_call, stack_module_state

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "stack_module_state", "vjp", "vmap",
]  # fmt: skip
