"""Augmentations written as text, for flags and YAML: `edge_drop(0.2)+feature_mask(0.1)`."""

from __future__ import annotations

import re

from graph_hcl.augment.basic import AUGMENTATIONS, Augmentation
from graph_hcl.augment.combine import Compose, RandomChoice
from graph_hcl.errors import UserError

_TERM = re.compile(r"([\w.]+(?::\w+)?)(?:\(([^()]*)\))?")


def parse(text: str) -> Augmentation:
    """Return the augmentation that `text` describes.

    `name(number, …)` is a registered augmentation or an import path `package.module:Class`; `+`
    composes, `|` is a random choice per graph and binds less tightly than `+`.

    Raises `UserError` for an unknown name, numbers that are none, or a ratio out of range.

    >>> parse("edge_drop(0.2)+feature_mask(0.1)")
    Compose(parts=(EdgeDrop(ratio=0.2), FeatureMask(ratio=0.1)))
    >>> parse("node_drop | identity")
    RandomChoice(parts=(NodeDrop(ratio=0.2), Identity()))
    """
    choices = [_composition(part) for part in text.split("|")]
    return choices[0] if len(choices) == 1 else RandomChoice(tuple(choices))


def _composition(text: str) -> Augmentation:
    parts = [_term(part.strip()) for part in text.split("+")]
    return parts[0] if len(parts) == 1 else Compose(tuple(parts))


def _term(text: str) -> Augmentation:
    found = _TERM.fullmatch(text)
    if found is None:
        raise UserError(
            f"Expected an augmentation like edge_drop(0.2), names joined by + and |, but got "
            f"'{text}'."
        )
    make = AUGMENTATIONS.get(found[1])
    try:
        numbers = [_number(word) for word in (found[2] or "").split(",") if word.strip()]
        made: Augmentation = make(*numbers)
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        raise UserError(f"The augmentation '{text}' cannot be made: {error}.") from error
    return made


def _number(word: str) -> float | int:
    try:
        return int(word)
    except ValueError:
        return float(word)
