"""``mg.compile``: a function of tensors as one NumPy program."""
