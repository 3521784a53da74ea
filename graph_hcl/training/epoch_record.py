"""What a line of `metrics.jsonl` holds; the file may have been edited by hand."""

from __future__ import annotations

from typing import Any

NUMBERS = ("seconds", "matched_temperature", "gradient_cosine")
"""What is summed up at the end of a run."""


def is_epoch_record(value: Any) -> bool:
    """Tell whether a value is the record of an epoch: with a part and an epoch, and numbers.

    What callbacks add may be anything.

    >>> is_epoch_record({"part": "seed0", "epoch": 1, "seconds": 0.5, "mine": [2]})
    True
    >>> is_epoch_record({"part": "seed0", "epoch": [1]}), is_epoch_record(3)
    (False, False)
    """
    return (
        isinstance(value, dict)
        and isinstance(value.get("part"), str)
        and type(value.get("epoch")) is int
        and all(isinstance(value.get(name, 0.0), float) for name in NUMBERS)
        and ("matched_temperature" in value) == ("gradient_cosine" in value)
        and isinstance(value.get("collapse", ""), str)
    )
