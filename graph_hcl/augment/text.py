"""Augmentations as text, for YAML files and flags."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re
from collections.abc import Callable
from typing import Any

from graph_hcl.augment.combine import Compose, RandomChoice, check_augmentation
from graph_hcl.augment.edit import Augmentation
from graph_hcl.errors import UserError
from graph_hcl.keywords import can_be_called, names_arguments
from graph_hcl.registries import AUGMENTATIONS
from graph_hcl.registry import path_of

MAX_DEPTH = 20
"""Levels of parentheses in each other."""
NAME = r"[A-Za-z_][\w.]*(?::[A-Za-z_][\w.]*)?"
TOKEN = re.compile(rf"\s*({NAME}(?:\s*\([^()]*\))?|[+|()])\s*")
PART = re.compile(rf"({NAME})\s*(?:\((.*)\))?")


@names_arguments()
def parse(text: str) -> Augmentation:
    """Return the augmentation that a text describes.

    `name(number, …)` is a registered augmentation or an import path `package.module:Class`; without
    numbers, the path may also be that of a function of a batch and a generator, or of an instance.
    `a + b` composes; `a | b` is a random choice per graph; `+` binds tighter than `|`, and
    parentheses group. The number of edge_drop, edge_add, node_drop, feature_mask and column_mask is
    the fraction that is changed, in [0, 1), by default 0.2, and so is that of edge_mask, in [0, 1];
    that of subgraph is the fraction of nodes that stay, in (0, 1], by default 0.8; identity has
    none. Raises `UserError` for any other text.

    >>> parse("edge_drop(0.2)")
    EdgeDrop(ratio=0.2)
    >>> parse("node_drop(0.2) | edge_drop(0.1) + identity").parts[1]
    Compose(parts=(EdgeDrop(ratio=0.1), Identity()))
    """
    if not isinstance(text, str):
        raise UserError(
            "Expected an augmentation as text, such as 'edge_drop(0.2)', but got "
            f"{type(text).__name__}."
        )
    tokens, end = [], 0
    while end < len(text):
        match = TOKEN.match(text, end)
        if match is None:
            raise _unreadable(text, f"'{text[end:].strip()}'")
        tokens.append(match[1])
        end = match.end()
    opened = itertools.accumulate((word == "(") - (word == ")") for word in tokens)
    if max(opened, default=0) > MAX_DEPTH:
        raise UserError(
            f"Expected parentheses in at most {MAX_DEPTH} levels in an augmentation, but got "
            f"'{text}': leave out those that group nothing."
        )
    tokens.reverse()  # the next token is now the last, where pop() is cheap
    augmentation = _choice(tokens, text)
    if tokens:
        raise _unreadable(text, f"'{tokens[-1]}'")
    return augmentation


def spec(augmentation: Augmentation) -> str:
    """Return the text that `parse` reads as this augmentation.

    Raises `UserError` for what no text describes: all but dataclasses of numbers, and functions and
    instances with an import path.

    >>> spec(parse("(subgraph(0.8)|identity) + feature_mask(0.1)"))
    '(subgraph(0.8) | identity) + feature_mask(0.1)'
    """
    if isinstance(augmentation, RandomChoice):
        return " | ".join(
            f"({spec(part)})" if isinstance(part, RandomChoice) else spec(part)
            for part in augmentation.parts
        )
    if isinstance(augmentation, Compose):
        return " + ".join(
            f"({spec(part)})" if isinstance(part, RandomChoice | Compose) else spec(part)
            for part in augmentation.parts
        )
    check_augmentation(augmentation, "spec")
    if not dataclasses.is_dataclass(augmentation):
        path = path_of(augmentation)
        if path is None or not PART.fullmatch(path):
            raise UserError(
                "Expected augmentations with a text, as dataclasses of numbers and what has an "
                f"import path have it, but got {augmentation!r:.60}: give it a place in a module."
            )
        return path
    kind = type(augmentation)
    name = AUGMENTATIONS.name_of(kind) or f"{kind.__module__}:{kind.__qualname__}"
    values = [getattr(augmentation, f.name) for f in dataclasses.fields(augmentation)]
    return f"{name}({', '.join(map(str, values))})" if values else name


def _choice(tokens: list[str], text: str) -> Augmentation:
    parts = [_sum(tokens, text)]
    while tokens and tokens[-1] == "|":
        tokens.pop()
        parts.append(_sum(tokens, text))
    return parts[0] if len(parts) == 1 else RandomChoice(tuple(parts))


def _sum(tokens: list[str], text: str) -> Augmentation:
    parts = [_part(tokens, text)]
    while tokens and tokens[-1] == "+":
        tokens.pop()
        parts.append(_part(tokens, text))
    return parts[0] if len(parts) == 1 else Compose(tuple(parts))


def _part(tokens: list[str], text: str) -> Augmentation:
    token = tokens.pop() if tokens else ""
    if token == "(":
        inner = _choice(tokens, text)
        if not tokens or tokens.pop() != ")":
            raise _unreadable(text, "no closing parenthesis")
        return inner
    match = PART.fullmatch(token)
    if match is None:
        raise _unreadable(text, f"'{token}'" if token else "its end")
    return _make(match[1], match[2] or "", text)


def _make(name: str, numbers: str, text: str) -> Augmentation:
    maker = AUGMENTATIONS.get(name)
    signature = _signature(maker)
    if signature is None:
        raise UserError(f"Expected an augmentation as '{name}', but it is none: correct '{text}'.")
    if not numbers.strip() and _is_made(maker):
        augmentation: Augmentation = maker
        return augmentation
    try:
        values = [_number(word) for word in numbers.split(",") if numbers.strip()]
        signature.bind(*values)
    except (ValueError, TypeError):
        wanted = ", ".join(signature.parameters)
        takes_some = wanted and not _is_made(maker)
        form = f"{name}({wanted}) with numbers" if takes_some else f"{name} without numbers"
        raise UserError(
            f"Expected {form} in the augmentation '{text}', but got '{name}({numbers})'."
        ) from None
    try:
        made: Augmentation = maker(*values)
    except (TypeError, ValueError) as error:
        raise UserError(f"In the augmentation '{text}': {error}") from None
    if not _takes_a_batch(made):
        raise UserError(
            f"Expected '{name}' to make an augmentation, which is called with a batch and a "
            f"generator, but got {type(made).__name__}: correct '{text}'."
        )
    return made


def _signature(part: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature of a class or function, None for one of C that tells none."""
    try:
        return inspect.signature(part)
    except (ValueError, TypeError):
        return None


def _is_made(part: Any) -> bool:
    """Tell whether an import path led to an augmentation itself, and not to what makes one."""
    return (
        not isinstance(part, type) and can_be_called(part, None, None) and not can_be_called(part)
    )


def _takes_a_batch(made: Any) -> bool:
    signature = _signature(made) if callable(made) else None
    try:
        return signature is not None and bool(signature.bind(None, None))
    except TypeError:
        return False


def _number(word: str) -> int | float:
    return int(word) if word.strip().isdigit() else float(word)


def _unreadable(text: str, got: str) -> UserError:
    return UserError(
        "Expected an augmentation like 'edge_drop(0.2) + feature_mask(0.1) | subgraph(0.8)', but "
        f"got {got} in '{text}'."
    )
