"""What PyTorch programs set or ask of the libraries behind it: NumPy stands behind this one.

A switch can be set, and switches nothing: results on a CPU are the same every time.

Example  >>> mg.backends.cudnn.deterministic = True
         >>> mg.backends.mps.is_available()
         False
"""

from minigrad.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
