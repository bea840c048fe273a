"""Helpers around training: `minigrad.utils.data`."""

from minigrad.utils import data

__all__ = ["data"]
