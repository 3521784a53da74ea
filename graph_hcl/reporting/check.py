"""Filtering the log of a run, which may be damaged or edited by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def epoch_records(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the records of a log that have a model and an epoch.

    >>> epoch_records([{"part": "seed0", "epoch": 1, "loss": 2.0}, {"loss": 1.0}, 3])
    [{'part': 'seed0', 'epoch': 1, 'loss': 2.0}]
    """
    return [
        record
        for record in records
        if isinstance(record, dict)
        and isinstance(record.get("part"), str)
        and isinstance(record.get("epoch"), int)
    ]
