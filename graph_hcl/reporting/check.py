"""Which lines of a log are records of epochs: a log may be damaged, edited or from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def epochs_of(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the records of a log that name their model and epoch.

    >>> epochs_of([{"part": "seed0", "epoch": 1, "loss": 2.0}, {"loss": 1.0}, 3])
    [{'part': 'seed0', 'epoch': 1, 'loss': 2.0}]
    """
    return [
        record
        for record in records
        if isinstance(record, dict)
        and isinstance(record.get("part"), str)
        and isinstance(record.get("epoch"), int)
    ]
