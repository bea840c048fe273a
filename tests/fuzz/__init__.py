"""A differential fuzzer: ``python -m tests.fuzz --minutes 5``.

Random programs against PyTorch, random calls of every public function, damaged files, and killed
runs.  What fails is printed with its seed, and shrunk to a few lines.
"""
