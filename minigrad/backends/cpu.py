"""The processor."""

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """ "DEFAULT": which instructions are used is NumPy's to choose."""
    return "DEFAULT"
