"""treescope: tensors are drawn as arrays are, with their type and whether they require grad."""

from __future__ import annotations

from typing import Any

from treescope import rendering_parts
from treescope.external.numpy_support import NumpyArrayAdapter

__all__ = ["TensorAdapter", "drawn"]

SHORT = 15  # lines up to which the numbers are shown at once


class TensorAdapter(NumpyArrayAdapter):  # type: ignore[misc]  # treescope is not typed
    """Reads the numbers of a tensor, for treescope's pictures of arrays."""

    def get_axis_info_for_array_data(self, array: Any) -> Any:
        return super().get_axis_info_for_array_data(array._array)

    def get_array_data_with_truncation(self, array: Any, *args: Any, **kwargs: Any) -> Any:
        return super().get_array_data_with_truncation(array._array, *args, **kwargs)

    def get_array_summary(self, array: Any, fast: bool) -> Any:
        summary = super().get_array_summary(array._array, fast)
        suffix = " requires_grad=True" if array.requires_grad else ""
        return rendering_parts.siblings(
            rendering_parts.text("tensor "), summary, rendering_parts.text(suffix)
        )

    def get_numpy_dtype(self, array: Any) -> Any:
        return array._array.dtype


def drawn(tensor: Any, path: str | None) -> Any:
    """A tensor as text, in one line or under a summary that folds."""
    text = repr(tensor)
    if "\n" not in text:
        return rendering_parts.build_one_line_tree_node(rendering_parts.text(text), path)
    states = rendering_parts.ExpandState
    summary = TensorAdapter().get_array_summary(tensor, fast=False)
    around = rendering_parts.fold_condition(
        expanded=rendering_parts.text("# "), collapsed=rendering_parts.text("<")
    )
    end = rendering_parts.fold_condition(collapsed=rendering_parts.text(">"))
    return rendering_parts.build_custom_foldable_tree_node(
        label=rendering_parts.comment_color_when_expanded(
            rendering_parts.siblings(around, summary, end)
        ),
        contents=rendering_parts.fold_condition(
            expanded=rendering_parts.indented_children([rendering_parts.text(text)])
        ),
        path=path,
        expand_state=states.WEAKLY_EXPANDED if text.count("\n") <= SHORT else states.COLLAPSED,
    )
