"""Switches of the GPU's matrix products: they can be set, and switch nothing."""

from minigrad.backends.absent import is_available as is_built

__all__ = ["is_built", "matmul"]


class matmul:
    """How a GPU would multiply matrices."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    fp32_precision = "none"
