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


def paths_of(tree: Any, root: str = "") -> list[str]:
    """Where each leaf of `tree` stands, written as in code, in order.

    Example  >>> from minigrad.pytrees import paths_of
             >>> paths_of({"a": 1, "b": (2, [3])}, "x")
             ["x['a']", "x['b'][0]", "x['b'][1][0]"]
    """
    if isinstance(tree, dict):
        branches = list(tree.items())
    elif isinstance(tree, (tuple, list)):
        branches = list(enumerate(tree))
    else:
        return [root]
    return [path for key, branch in branches for path in paths_of(branch, f"{root}[{key!r}]")]


def describe(tree: Any) -> str:
    """The outermost form of `tree`, for messages."""
    if isinstance(tree, dict):
        return f"dict with keys {list(tree)}"
    if isinstance(tree, (tuple, list)):
        return f"{type(tree).__name__} of {len(tree)}"
    return "None" if tree is None else type(tree).__name__


def paired(tree: Any, pattern: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Path, leaf of `tree` and leaf of `pattern`, for each leaf of two trees of the same form.

    Dicts are matched by key, whatever their order; a tuple has the form of a list of its length.

    Raises   ValueError that says where the forms differ.
    Example  >>> from minigrad.pytrees import paired
             >>> paired({"b": 2, "a": (1,)}, {"a": [10], "b": 20})
             [("['a'][0]", 1, 10), ("['b']", 2, 20)]
    """
    if isinstance(pattern, dict):
        same = isinstance(tree, dict) and set(tree) == set(pattern)
        keys = list(pattern)
    elif isinstance(pattern, (tuple, list)):
        same = isinstance(tree, (tuple, list)) and len(tree) == len(pattern)
        keys = list(range(len(pattern)))
    elif not isinstance(tree, (dict, tuple, list)):
        return [(path, tree, pattern)]
    else:
        same, keys = False, []
    if not same:
        where = f"{path}: " if path else ""
        raise ValueError(f"{where}{describe(tree)}, expected {describe(pattern)}")
    return [pair for k in keys for pair in paired(tree[k], pattern[k], f"{path}[{k!r}]")]


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `function` applied to each leaf."""
    leaves, rebuild = flatten(tree)
    return rebuild([function(leaf) for leaf in leaves])
