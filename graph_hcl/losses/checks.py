"""Checks of arguments: each mistake is one sentence, before any work is done."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import forward_ad

from graph_hcl.losses.pairs import Pairs

LOOKED_AT = 9
"""Values of a list that are looked at to tell what it holds."""


def transformed() -> bool:
    """Return whether torch traces this call, by `torch.compile` or a transform of `torch.func`.

    Values are then unknown, and the losses are computed by plain tensor operations.

    >>> transformed()
    False
    """
    if torch.compiler.is_compiling():
        return True
    transforms: Any = torch._C
    return transforms._are_functorch_transforms_active() or forward_ad._current_level >= 0


def check_number(name: str, value: Any) -> None:
    """Raise `ValueError` for anything but a real number; a tensor would get no gradient.

    >>> check_number("beta", "1")
    Traceback (most recent call last):
    ValueError: Expected beta to be a number, but got str.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"Expected {name} to be a number, but got {type(value).__name__}.")


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise `ValueError` for anything but an integer of `least` or more.

    >>> check_whole("memory_size", 1.5, 0)
    Traceback (most recent call last):
    ValueError: Expected memory_size to be a whole number of 0 or more, but got 1.5.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(
            f"Expected {name} to be a whole number of {least} or more, but got {value!r}."
        )


def check_flag(name: str, value: Any) -> None:
    """Raise `ValueError` for anything but True and False: of text, even "no" counts as true.

    >>> check_flag("normalize", "none")
    Traceback (most recent call last):
    ValueError: Expected normalize to be True or False, but got 'none'.
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"Expected {name} to be True or False, but got {value!r:.60}.")


def check_tensor(name: str, value: object) -> None:
    """Raise `ValueError` unless a value is a tensor.

    >>> check_tensor("label", [0, 1])
    Traceback (most recent call last):
    ValueError: Expected label to be a tensor, but got list: use torch.as_tensor(label).
    >>> check_tensor("label", ["b", "a"])
    Traceback (most recent call last):
    ValueError: Expected label to be a tensor, but got list: use \
torch.as_tensor(np.unique(label, return_inverse=True)[1]).
    """
    if not isinstance(value, Tensor):
        numbers = f"np.unique({name}, return_inverse=True)[1]" if _is_text(value) else name
        raise ValueError(
            f"Expected {name} to be a tensor, but got {type(value).__name__}: use "
            f"torch.as_tensor({numbers})."
        )


def check_made(name: str, value: Any) -> None:
    """Raise `ValueError` for a class where one that is made of it is meant.

    >>> check_made("hardening", dict)
    Traceback (most recent call last):
    ValueError: Expected hardening to be made already, but got the class dict: make one of it, \
dict(…).
    """
    if isinstance(value, type):
        raise ValueError(
            f"Expected {name} to be made already, but got the class {value.__name__}: make one of "
            f"it, {value.__name__}(…)."
        )


def check_shape(what: str, value: Any, shape: Sequence[int]) -> None:
    """Raise `ValueError` unless a value, of a function that a user gave, has that shape.

    >>> check_shape("a penalty", torch.ones(2), [])
    Traceback (most recent call last):
    ValueError: Expected a penalty [], but got [2].
    """
    check_tensor(what, value)
    if list(value.shape) != list(shape):
        raise ValueError(f"Expected {what} {list(shape)}, but got {list(value.shape)}.")


def check_choice(name: str, value: Any, known: Sequence[str]) -> None:
    """Raise `ValueError` for a value that is not one of the known ones.

    >>> check_choice("mode", "fast", ("auto", "dense", "tiled"))
    Traceback (most recent call last):
    ValueError: Expected mode to be auto, dense or tiled, but got 'fast'.
    """
    if value not in known:
        choices = f"{', '.join(known[:-1])} or {known[-1]}"
        raise ValueError(f"Expected {name} to be {choices}, but got {value!r}.")


def check_rows(
    anchors: Tensor,
    samples: Tensor,
    pairs: Pairs,
    names: tuple[str, str] = ("anchors [A, d]", "samples [S, d]"),
) -> None:
    """Raise `ValueError` unless anchors [A, d], samples [S, d] and the keys fit each other."""
    if not isinstance(pairs, Pairs):
        raise ValueError(
            "Expected pairs as Pairs, such as Pairs.among(graph, graph), but got "
            f"{type(pairs).__name__}."
        )
    for rows, name in zip((anchors, samples), names, strict=True):
        check_tensor(name.split()[0], rows)
    if anchors.dim() != 2 or samples.dim() != 2 or anchors.shape[1] != samples.shape[1]:
        raise ValueError(
            f"Expected {names[0]} and {names[1]}, but got {list(anchors.shape)} and "
            f"{list(samples.shape)}."
        )
    for rows in (anchors, samples):
        if not rows.is_floating_point():
            raise ValueError(f"Expected features of a floating type, but got {rows.dtype}.")
    keys = pairs.positive
    if (len(keys[0]), len(keys[1])) != (len(anchors), len(samples)):
        raise ValueError(
            f"Expected keys for {len(anchors)} anchors and {len(samples)} samples, but got keys "
            f"for {len(keys[0])} and {len(keys[1])}."
        )
    devices = {str(part.device) for part in (anchors, samples, *keys)}
    if len(devices) > 1:
        raise ValueError(
            f"Expected features and keys on one device, but got {' and '.join(sorted(devices))}."
        )


def check_keys_are_known(pairs: Pairs, what: str) -> None:
    """Raise `ValueError` where positive pairs must be listed, but their number is not known."""
    sides = [*pairs.positive, *(pairs.negative or ())]
    check_are_known(sides, what, "positive pairs")


def check_are_known(keys: Iterable[Tensor], what: str, counted: str) -> None:
    """Raise `ValueError` where something must be counted by keys, but their values are not known.

    `torch.compile` breaks the graph here; with `fullgraph=True` it raises its own error instead,
    which holds the sentence.
    """
    sentence = (
        f"Expected keys that torch.compile and torch.func.vmap do not trace with {what}: the "
        f"number of {counted} must be known."
    )
    if torch.compiler.is_compiling():
        torch._dynamo.graph_break(sentence)
        return
    transforms: Any = torch._C._functorch
    if transformed() and any(transforms.is_batchedtensor(each) for each in keys):
        raise ValueError(sentence)


def _is_text(values: Any) -> bool:
    """Tell whether values are words, of which no tensor can be made, by the first of them."""
    if hasattr(values, "to_numpy"):  # a series of pandas
        values = values.to_numpy()
    if isinstance(values, np.ndarray):
        values = values.ravel()[:LOOKED_AT].tolist()
    some = isinstance(values, list | tuple)
    return isinstance(values, str) or (some and any(map(_is_text, values[:LOOKED_AT])))
