"""Targets read from text: one column of classes or numbers, or several columns of tasks."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import compress
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl.data.numerals import HOW, number_as_word, parse_number
from graph_hcl.errors import UserError
from graph_hcl.missing import is_missing
from graph_hcl.warn import warn_user

MANY = 20
"""Classes from which on whole numbers may be a quantity, if most classes are of one graph."""
TRUTH = {"true": 1.0, "false": 0.0}
"""Values of the words of a task, in lower case."""


def as_text(value: Any) -> str:
    """Return a value of a JSON or Parquet file as the text that a CSV file would have.

    A missing value is an empty text.

    >>> as_text(None), as_text(3), as_text(True), as_text(0.5), as_text(" acid ")
    ('', '3', '1', '0.5', 'acid')
    """
    if not isinstance(value, str) and is_missing(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    return str(value).strip()


def as_name(value: Any) -> str:
    """Return the name of a graph or a group as text; whole floats are written as integers.

    >>> as_name(2.0), as_name("2.0"), as_name("2"), as_name("2.5"), as_name("v2.0")
    ('2', '2', '2', '2.5', 'v2.0')
    """
    text = as_text(value)
    whole = re.fullmatch(r"(-?\d+)\.0+", text)
    return whole[1] if whole else text


def column_targets(
    values: Sequence[str], labels: str, name: str, places: Sequence[str]
) -> tuple[Tensor, list[str]]:
    """Return y [G] from one column of text, and the class names if it holds classes.

    With `labels` = "auto", whole numbers and words are classes, and other numbers real targets;
    "classes" makes classes of all, "numbers" real targets. Classes are sorted, whole numbers by
    value, and y holds their positions; if entries are missing, it holds floats with NaN there, and
    a warning counts them. Another warns of whole numbers that are hardly classes. `name` is that of
    the column, and `places` say where each value stands.

    Raises `UserError` for a column without entries, for words among numbers, and where most words
    are numbers that are written in another way, such as 0,5.

    >>> column_targets(["10", "9", "10"], "auto", "grade", ["line 2", "line 3", "line 4"])
    (tensor([1, 0, 1]), ['9', '10'])
    >>> column_targets(["0.5", "2"], "auto", "size", ["line 2", "line 3"])
    (tensor([0.5000, 2.0000]), [])
    """
    missing = [is_missing(text) for text in values]
    if all(missing):
        raise UserError(
            f"Expected a label in the column '{name}', but all {len(values)} entries are missing: "
            "name another column, or leave out the targets."
        )
    warn_missing(list(compress(values, missing)), len(values), name)
    numbers = [parse_number(text) for text in values]
    wrong = [row for row, number in enumerate(numbers) if number is None]
    words = len(wrong) == len(values) - sum(missing)
    number = None if labels == "classes" else number_as_word([values[row] for row in wrong])
    if number is not None:
        row = wrong[number]
        raise UserError(
            f"Expected numbers in the column '{name}' to be written {HOW}, but {places[row]} has "
            f"'{values[row]:.60}': correct it, or read all as classes with labels=\"classes\" "
            "(--data.labels classes)."
        )
    if wrong and labels != "classes" and (labels == "numbers" or not words):
        row = wrong[0]
        raise UserError(
            f"Expected {'' if labels == 'numbers' else 'either words or '}finite numbers in the "
            f"column '{name}', but {places[row]} has '{values[row]:.60}': correct it, or read all "
            'as classes with labels="classes" (--data.labels classes).'
        )
    real = [number for number in numbers if number is not None and not math.isnan(number)]
    whole = not wrong and all(number.is_integer() for number in real)
    if labels == "numbers" or not (words or whole or labels == "classes"):
        return torch.tensor([math.nan if n is None else n for n in numbers]).float(), []
    # Beyond 2⁵³, the text alone determines a whole number.
    keys: list[Any] = [_integer(text) for text in values] if whole else list(values)
    present = {key for key, absent in zip(keys, missing, strict=True) if not absent}
    distinct = sorted(present)
    place = {key: number for number, key in enumerate(distinct)}
    codes = [math.nan if absent else place[k] for k, absent in zip(keys, missing, strict=True)]
    if whole and labels == "auto":
        _warn_of_many(Counter(codes), name)
    kind = torch.float if any(missing) else torch.long
    return torch.tensor(codes, dtype=kind), [str(key) for key in distinct]


def warn_missing(texts: Sequence[str], graphs: int, name: str) -> None:
    """Warn of the texts that stand for missing entries among those of all graphs, if any.

    >>> warn_missing([], 3, "y")
    """
    words = ", ".join(f"'{text}'" for text in sorted({*texts} - {""}))
    told = f", where {words} stands for a missing entry" if words else ""
    if texts:
        warn_user(f"Of {graphs:,} graphs, {len(texts):,} have no '{name}': y is NaN there{told}.")


def _warn_of_many(graphs: Counter[float], name: str) -> None:
    """Warn of whole numbers as classes where most classes are of one graph alone."""
    alone = sum(count == 1 for count in graphs.values())
    if len(graphs) > MANY and 2 * alone > len(graphs):
        warn_user(
            f"The whole numbers in '{name}' are read as {len(graphs):,} classes, {alone:,} of "
            'which have one graph alone: if they are quantities, say so with labels="numbers" '
            '(--data.labels numbers); labels="classes" tells that they are not.'
        )


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0 if is_missing(text) else int(float(text))


def task_row(values: Sequence[str], names: Sequence[str], place: str) -> np.ndarray:
    """Return the tasks of one graph [T] in float32, with NaN for missing entries.

    True and false, in any capitals, are 1 and 0.

    Raises `UserError` for a word, with the column and the place.

    >>> task_row(["1", "", "0.5"], ["a", "b", "c"], "line 2")
    array([1. , nan, 0.5], dtype=float32)
    """
    row = np.empty(len(values), np.float32)
    for number, text in enumerate(values):
        if not text:
            row[number] = np.nan
            continue
        value = TRUTH.get(text.casefold(), parse_number(text))
        if value is None:
            raise UserError(
                f"Expected finite numbers in the column '{names[number]}', one of several tasks, "
                f"but {place} has '{text:.60}': correct it, or name that column alone."
            )
        row[number] = value
    return row


def check_one_task(count: int, labels: str, what: str) -> None:
    """Raise `UserError` for several tasks that are to be read as classes.

    >>> check_one_task(1, "classes", "y")
    """
    if labels == "classes" and count > 1:
        raise UserError(
            f"Expected one target for classes, but got {count} in {what}: several tasks hold 0 and "
            '1, or numbers; name one, or leave out labels="classes" (--data.labels classes).'
        )


def graph_targets(
    values: Sequence[Any], labels: str, name: str, places: Sequence[str]
) -> dict[str, Any]:
    """Return y, classes and tasks of a store from the label of each graph.

    A label is a word, a number, a list of tasks, or None. A list of one task is a class where
    `labels` = "classes". Raises `UserError` as `column_targets` does, for lists of other lengths
    and of several classes, and for anything else.

    >>> graph_targets([[1, None], [0, 2]], "auto", "y", ["line 1", "line 2"])["y"]
    tensor([[1., nan],
            [0., 2.]])
    """
    if all(value is None for value in values):
        return {}
    listed = [row for row, value in enumerate(values) if isinstance(value, list)]
    if not listed:
        return _one_target(values, labels, name, places)
    tasks = len(values[listed[0]])
    names = [f"{name}[{task}]" for task in range(tasks)]
    check_one_task(tasks, labels, f"{name} of {places[listed[0]]}")
    lists = []
    for place, value in zip(places, values, strict=True):
        value = [None] * tasks if value is None else value
        if not isinstance(value, list) or len(value) != tasks or not tasks:
            raise UserError(
                f"Expected {name} as a list of {tasks} tasks in all graphs, as in "
                f"{places[listed[0]]}, but {place} has {json.dumps(value)[:60]}."
            )
        lists.append(value)
    if labels == "classes":
        return _one_target([value for (value,) in lists], labels, name, places)
    rows = [
        task_row(list(map(as_text, value)), names, place)
        for place, value in zip(places, lists, strict=True)
    ]
    return {"y": torch.from_numpy(np.stack(rows)), "tasks": names}


def _one_target(
    values: Sequence[Any], labels: str, name: str, places: Sequence[str]
) -> dict[str, Any]:
    """Return y, classes and tasks from one word or number for each graph."""
    for row, value in enumerate(values):
        if isinstance(value, dict | list):
            raise UserError(
                f"Expected {name} as a word, a number or a list, but {places[row]} has "
                f"{json.dumps(value)[:60]}."
            )
    y, classes = column_targets(list(map(as_text, values)), labels, name, places)
    return {"y": y, "classes": classes, "tasks": [] if classes else [name]}


def names_of(ids: Sequence[Any]) -> list[str] | None:
    """Return names as text, or None if there are none.

    >>> names_of([None, "a", 3.0]), names_of([None])
    (['', 'a', '3'], None)
    """
    if all(name is None for name in ids):
        return None
    return list(map(as_name, ids))
