"""Labels of graphs in all accepted forms: classes, real numbers, words, several tasks.

A missing entry, None or NaN or pandas' NA or a text such as "nan", becomes NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl.data.numerals import HOW, number_as_word
from graph_hcl.data.targets import warn_missing
from graph_hcl.errors import UserError
from graph_hcl.missing import is_missing

Labels = tuple[Tensor, list[str]]
REAL = "y"
"""The task of a real target that comes without a name."""


def choose_labels(y: Any, own: Sequence[Any] | None, count: int) -> dict[str, Any]:
    """Return y, classes and tasks of a store of `count` graphs, from `y` or else the graphs' own.

    A real target is the task "y", so that graphs which happen to have whole values are no classes.

    >>> choose_labels([3, 5], None, 2), choose_labels(None, [0.5, 2.0], 2)["tasks"]
    ({'y': tensor([3, 5]), 'classes': [], 'tasks': []}, ['y'])
    """
    if y is None and own is None:
        return {}
    labels, classes = labels_of_graphs(own or []) if y is None else labels_given(y, count)
    return {"y": labels, "classes": classes, "tasks": [REAL] if has_fractions(labels) else []}


def has_fractions(y: Tensor) -> bool:
    """Tell whether one number for each graph, y [G], is not whole for all of them.

    >>> has_fractions(torch.tensor([0.5, 1.0])), has_fractions(torch.tensor([1.0, math.nan]))
    (True, False)
    """
    return y.dim() == 1 and bool((y[~y.isnan()] % 1 != 0).any())


def labels_of_graphs(values: Sequence[Any]) -> Labels:
    """Return y [G] or [G, tasks] from the label of each graph, and the class names if it is words.

    One number or word per graph, alone or in a list, array or tensor, gives [G]; [1, tasks] gives
    [G, tasks]. Words become positions among the sorted ones.

    Raises `UserError`, with the number of the graph, for labels of nodes, words mixed with numbers,
    differing numbers of tasks, and infinity.

    >>> labels_of_graphs([[2], torch.tensor([0]), np.int32(1)])
    (tensor([2, 0, 1]), [])
    >>> labels_of_graphs(["toxic", "inert"])
    (tensor([1, 0]), ['inert', 'toxic'])
    >>> labels_of_graphs([2, None])
    (tensor([2., nan]), [])
    """
    rows = [_row(value, number) for number, value in enumerate(values)]
    _warn_of_texts(rows)
    rows = [torch.tensor([math.nan]) if is_missing(row) else row for row in rows]
    if any(isinstance(row, str) for row in rows):
        return _from_words([_absent(row) for row in rows])
    tasks = [row for row in rows if not isinstance(row, str)]
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
        value = fill_missing(value)
        value = value if isinstance(value, list) else [value]
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

    One column [G, 1] is as [G].

    Raises `UserError` for another length, for None alone, and as `labels_of_graphs` does.

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
        if all(isinstance(entry, list | tuple) and len(entry) == 1 for entry in entries):
            entries = [entry[0] for entry in entries]
        none = sum(entry is None for entry in entries)
        if entries and none + sum(_is_missing_text(entry) for entry in entries) == len(entries):
            raise UserError(
                f"Expected at least one label in y, but all {len(entries)} are "
                f"{'None' if none == len(entries) else 'missing'}: leave y out."
            )
        _warn_of_texts(entries)
        entries = fill_missing(entries)
        if any(isinstance(entry, str) for entry in entries):
            _check_length(len(entries), count)
            return _from_words(entries)
        numbers = _numbers(entries)
        if numbers is None:
            raise UserError("Expected numbers or words as labels y, but got neither.")
        labels = numbers
    _check_length(len(labels) if labels.dim() else 0, count)
    if labels.dim() > 2 or not labels.numel():
        raise UserError(f"Expected y [graphs] or [graphs, tasks], but got {list(labels.shape)}.")
    labels = labels.squeeze(1) if labels.shape[1:] == (1,) else labels
    return _checked(labels if labels.dtype.is_floating_point else labels.long()), []


def _numbers(values: Any) -> Tensor | None:
    """Return values as a tensor, or None if they are ragged or not numbers."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        return None
    return torch.as_tensor(array) if array.dtype.kind in "biuf" else None


def fill_missing(value: Any) -> Any:
    """Return a label, or nested lists of labels, with NaN in place of each missing entry.

    >>> fill_missing([["a", None], 3])
    [['a', nan], 3]
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [fill_missing(entry) for entry in value]
    return math.nan if is_missing(value) else value


def _is_missing_text(entry: Any) -> bool:
    return isinstance(entry, str) and is_missing(entry)


def _warn_of_texts(entries: Sequence[Any]) -> None:
    """Warn of texts that stand for missing labels: of None and NaN one knows."""
    texts = [entry for entry in entries if _is_missing_text(entry)]
    warn_missing(texts, len(entries), "y")


def _absent(row: Tensor | str) -> Any:
    """Return NaN for the row of a graph without a label, and any other row as it is."""
    return math.nan if isinstance(row, Tensor) and row.numel() == 1 and row.isnan() else row


def _check_length(length: int, count: int) -> None:
    if length != count:
        raise UserError(f"Expected y with {count} labels, one per graph, but got {length}.")


def _from_words(entries: Sequence[Any]) -> Labels:
    """Return the positions of words among the sorted ones, in floats if some are missing (NaN)."""
    known = [entry for entry in entries if not (isinstance(entry, float) and math.isnan(entry))]
    kinds = [isinstance(entry, str) for entry in entries]
    if not all(isinstance(entry, str) for entry in known):
        raise UserError(
            "Expected the labels y as words or as numbers, but graph "
            f"{kinds.index(not kinds[0])} differs from graph 0."
        )
    row = number_as_word(known)
    if row is not None:
        raise UserError(
            f"Expected words or numbers as labels y, but got the text '{known[row]:.60}': give "
            f"numbers, and write them {HOW}."
        )
    classes = sorted({str(word) for word in known})
    place: dict[Any, float] = {word: number for number, word in enumerate(classes)}
    codes = [place.get(entry, math.nan) for entry in entries]
    return torch.tensor(codes, dtype=None if len(known) == len(entries) else torch.float), classes


def _checked(y: Tensor) -> Tensor:
    """Return y in int64 or float32; NaN, a missing entry, is kept."""
    y = y.detach().float() if y.dtype.is_floating_point else y
    if y.isinf().any():
        number = int(y.isinf().reshape(len(y), -1).any(1).nonzero()[0])
        raise UserError(f"Expected finite labels y, but graph {number} has an infinite one.")
    return y
