"""Labels of graphs in all accepted forms: classes, real numbers, words, several tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl.errors import UserError

Classes = list[str]
Labels = tuple[Tensor, Classes]


def choose_labels(y: Any, own: Sequence[Any] | None, count: int) -> tuple[Tensor | None, Classes]:
    """Return the labels of `count` graphs: `y`, or else the graphs' own, or None.

    >>> choose_labels(None, [3, 5], 2)
    (tensor([3, 5]), [])
    """
    if y is not None:
        return labels_given(y, count)
    return (None, []) if own is None else labels_of_graphs(own)


def labels_of_graphs(values: Sequence[Any]) -> Labels:
    """Return y [G] or [G, tasks] from the label of each graph, and the class names if it is words.

    One number or word per graph, alone or in a list, array or tensor, gives [G]; [1, tasks] gives
    [G, tasks], in which NaN marks a missing entry. Words become positions among the sorted ones.

    Raises `UserError`, with the number of the graph, for labels of nodes, words mixed with numbers,
    differing numbers of tasks, and infinity.

    >>> labels_of_graphs([[2], torch.tensor([0]), np.int32(1)])
    (tensor([2, 0, 1]), [])
    >>> labels_of_graphs(["toxic", "inert"])
    (tensor([1, 0]), ['inert', 'toxic'])
    """
    rows = [_row(value, number) for number, value in enumerate(values)]
    words = [row for row in rows if isinstance(row, str)]
    tasks = [row for row in rows if not isinstance(row, str)]
    if words:
        _check_all_words(rows)
        return _from_words(words)
    for number, row in enumerate(tasks):
        if len(row) != len(tasks[0]):
            raise UserError(
                f"Expected y with {len(tasks[0])} tasks in all graphs as in graph 0, but graph "
                f"{number} has {len(row)}."
            )
    floats = any(row.dtype.is_floating_point for row in tasks)
    y = torch.stack([row.float() for row in tasks] if floats else tasks)
    return _checked(y.squeeze(1) if y.shape[1] == 1 else y), []


def _row(value: Any, number: int) -> Tensor | str:
    """Return the label of one graph: a word, or its tasks [T] as int64 or floats."""
    if isinstance(value, Tensor):
        labels = value.cpu()
    elif isinstance(value, str):
        return str(value)
    else:
        value = value.tolist() if isinstance(value, np.ndarray) else value
        value = value if isinstance(value, list | tuple) else [value]
        if len(value) == 1 and isinstance(value[0], str):
            return str(value[0])
        numbers = _numbers(value)
        if numbers is None:
            raise UserError(
                f"Expected a number or a word as the label y of each graph, but graph {number} has "
                f"{value!r:.60}."
            )
        labels = numbers
    if labels.numel() == 1:
        labels = labels.reshape(1)
    elif labels.dim() == 2 and labels.shape[0] == 1 and labels.shape[1]:
        labels = labels[0]
    else:
        raise UserError(
            f"Expected one label y of each graph, or [1, tasks], but graph {number} has "
            f"{list(labels.shape)}: keep labels of nodes under another name, such as node_y."
        )
    return labels if labels.dtype.is_floating_point else labels.long()


def labels_given(y: Any, count: int) -> Labels:
    """Return the labels in one list, array, Series or tensor [G] or [G, tasks], as above.

    Raises `UserError` for another length, and as `labels_of_graphs` does.

    >>> labels_given([True, False], 2), labels_given(np.array(["b", "a"]), 2)[1]
    ((tensor([1, 0]), []), ['a', 'b'])
    """
    if isinstance(y, Tensor):
        labels = y.cpu()
    elif isinstance(y, str | bytes | Mapping | set) or not isinstance(y, Iterable):
        raise UserError(
            f"Expected y as a list or array of {count} labels, but got {type(y).__name__}."
        )
    else:
        entries = np.asarray(y).tolist() if hasattr(y, "__array__") else list(y)
        if any(isinstance(entry, str) for entry in entries):
            _check_length(len(entries), count)
            _check_all_words(entries)
            return _from_words([str(entry) for entry in entries])
        numbers = _numbers(entries)
        if numbers is None:
            raise UserError("Expected numbers or words as labels y, but got neither.")
        labels = numbers
    _check_length(len(labels) if labels.dim() else 0, count)
    if labels.dim() > 2 or not labels.numel():
        raise UserError(f"Expected y [graphs] or [graphs, tasks], but got {list(labels.shape)}.")
    return _checked(labels if labels.dtype.is_floating_point else labels.long()), []


def _numbers(values: Any) -> Tensor | None:
    """Return values as a tensor, or None if they are ragged or not numbers."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        return None
    return torch.as_tensor(array) if array.dtype.kind in "biuf" else None


def _check_length(length: int, count: int) -> None:
    if length != count:
        raise UserError(f"Expected y with {count} labels, one per graph, but got {length}.")


def _from_words(words: list[str]) -> Labels:
    classes = sorted(set(words))
    place = {word: number for number, word in enumerate(classes)}
    return torch.tensor([place[word] for word in words]), classes


def _check_all_words(entries: Sequence[Any]) -> None:
    kinds = [isinstance(entry, str) for entry in entries]
    if not all(kinds):
        raise UserError(
            "Expected the labels y as words or as numbers, but graph "
            f"{kinds.index(not kinds[0])} differs from graph 0."
        )


def _checked(y: Tensor) -> Tensor:
    """Return y in int64 or float32; NaN, a missing entry, is kept."""
    y = y.detach().float() if y.dtype.is_floating_point else y
    if y.isinf().any():
        number = int(y.isinf().reshape(len(y), -1).any(1).nonzero()[0])
        raise UserError(f"Expected finite labels y, but graph {number} has an infinite one.")
    return y
