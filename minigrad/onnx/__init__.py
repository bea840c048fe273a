"""Leaving with a trained network: `export` writes a model to an ONNX file."""

from minigrad.onnx import translations as translations  # fills the table
from minigrad.onnx.export import export as export

__all__ = ["export"]
