"""What a run's files must hold to be shown: files may be damaged, edited or from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graph_hcl.errors import UserError


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


def check_results(results: Any, path: str) -> None:
    """Raise `UserError` unless `results` are records as `graph_hcl.evaluate` writes them.

    >>> check_results({"svm": {}}, "runs/a")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected runs/a/results.json to hold the scores of a probe, but
    'svm' has no dataset: delete the file and run graph_hcl.evaluate runs/a.
    """
    if not isinstance(results, Mapping):
        raise _damaged(path, "it is no record by probe")
    for probe, record in results.items():
        for key, kind in _RECORD.items():
            if not isinstance(record, Mapping) or not isinstance(record.get(key), kind):
                raise _damaged(path, f"'{probe}' has no {key}")
        for key in ("trained", "untrained"):
            if not _is_scored(record[key]):
                raise _damaged(path, f"'{probe}' has no scores of the {key} encoder")


_RECORD: dict[str, Any] = {
    "dataset": str,
    "objective": str,
    "protocol": str,
    "probe": str,
    "command": list,
    "versions": Mapping,
    "train_seconds": int | float,
    "majority_accuracy": int | float,
    "trained": Mapping,
    "untrained": Mapping,
}
_SCORE: dict[str, Any] = {
    "accuracy": int | float,
    "train": int,
    "test": int,
    "labels": list,
    "predictions": list,
}


def _is_scored(encoder: Mapping[str, Any]) -> bool:
    """Tell whether an encoder's part of a record has all that tables and figures read."""
    try:
        summary = [encoder[name] for name in ("accuracy", "macro_f1")]
        scores = [score for seed in encoder["seeds"] for score in seed["scores"]]
        numbers = [part[key] for part in summary for key in ("mean", "std_folds")]
        whole = all(
            isinstance(score[key], kind) for score in scores for key, kind in _SCORE.items()
        )
        equal = all(len(score["labels"]) == len(score["predictions"]) for score in scores)
        seeds = all("seed" in seed for seed in encoder["seeds"])
    except (KeyError, TypeError, AttributeError):
        return False
    finite = all(isinstance(number, int | float) for number in numbers)
    return bool(scores) and whole and equal and seeds and finite


def _damaged(path: str, what: str) -> UserError:
    return UserError(
        f"Expected {path}/results.json to hold the scores of a probe, but {what}: "
        f"delete the file and run graph_hcl.evaluate {path}."
    )
