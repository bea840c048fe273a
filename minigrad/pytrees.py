"""Nested tuples, lists and dicts, as a flat list of leaves and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of `tree`, and the function that builds a tree of the same form from leaves.

    Tuples (named ones, too), lists and dicts are branches; anything else, None included, is a leaf.

    Example  >>> from minigrad.pytrees import flatten
             >>> leaves, rebuild = flatten({"a": 1, "b": (2, [3])})
             >>> leaves, rebuild([10, 20, 30])
             ([1, 2, 3], {'a': 10, 'b': (20, [30])})
    """
    if isinstance(tree, dict):
        keys, branches = list(tree), list(tree.values())
    elif isinstance(tree, (tuple, list)):
        keys, branches = [], list(tree)
    else:
        return [tree], lambda leaves: leaves[0]
    flat = [flatten(branch) for branch in branches]
    leaves = [leaf for branch, _ in flat for leaf in branch]

    def rebuild(values: list[Any]) -> Any:
        built, start = [], 0
        for branch, rebuild_branch in flat:
            built.append(rebuild_branch(values[start : start + len(branch)]))
            start += len(branch)
        if isinstance(tree, dict):
            return dict(zip(keys, built))
        if hasattr(tree, "_fields"):
            return type(tree)(*built)
        return type(tree)(built)

    return leaves, rebuild


def leaves_of(tree: Any) -> list[Any]:
    """The leaves of `tree`, in order."""
    return flatten(tree)[0]


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `function` applied to each leaf."""
    leaves, rebuild = flatten(tree)
    return rebuild([function(leaf) for leaf in leaves])
