"""What a protocol found: scores per fold, their summary over folds and over seeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, f1_score


@dataclass(frozen=True)
class FoldScore:
    """One outer fold: how many graphs were where, what was chosen, and how well it did."""

    fold: int
    train: int
    validation: int
    test: int
    C: float | None
    accuracy: float
    macro_f1: float
    predicted: list[int]
    true: list[int]
    graphs: list[int]


def score(
    fold: int,
    sizes: tuple[int, int],
    chosen: float | None,
    true: ArrayLike,
    predicted: ArrayLike,
    graphs: ArrayLike,
) -> FoldScore:
    """Return the score of a fold's predictions; `sizes` counts training and validation graphs."""
    right, said = np.asarray(true), np.asarray(predicted)
    return FoldScore(
        fold,
        sizes[0],
        sizes[1],
        len(right),
        chosen,
        float(accuracy_score(right, said)),
        float(f1_score(right, said, average="macro", zero_division=0)),
        said.tolist(),
        right.tolist(),
        np.asarray(graphs).tolist(),
    )


@dataclass(frozen=True)
class Evaluation:
    """One repetition: a protocol, a probe, a seed, and a score per fold."""

    protocol: str
    probe: str
    seed: int
    scores: list[FoldScore]

    def metric(self, name: str) -> np.ndarray:
        """Return `accuracy` or `macro_f1` of each fold."""
        return np.array([getattr(found, name) for found in self.scores])

    def to_dict(self) -> dict[str, Any]:
        """Return what `results.json` holds of the repetition."""
        return asdict(self)


def summarize(repetitions: list[Evaluation]) -> dict[str, Any]:
    """Return mean and spread of accuracy and macro-F1 with all the folds they come from.

    `mean` is the mean over seeds of the mean over folds. `std_folds` is the standard deviation
    over the folds of a repetition (population form, as is usual in the field), averaged over
    repetitions; `std_seeds` that of the repetitions' means, 0 for a single one.
    """
    found: dict[str, Any] = {}
    for name in ("accuracy", "macro_f1"):
        per_seed = [evaluation.metric(name) for evaluation in repetitions]
        means = np.array([values.mean() for values in per_seed])
        found[name] = {
            "mean": float(means.mean()),
            "std_folds": float(np.mean([values.std() for values in per_seed])),
            "std_seeds": float(means.std()),
        }
    return found | {"seeds": [evaluation.to_dict() for evaluation in repetitions]}
