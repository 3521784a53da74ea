"""The scores of one probe on one outer fold, and what it predicted there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FoldScore:
    """One outer fold of one seed: its scores, the selected parameters, and what was predicted.

    Attributes:
        seed: The seed of the repetition.
        fold: The number of the outer fold.
        scores: Test score by name of the metric.
        params: Selected parameters of the probe by name.
        validation_score: Score of the selected parameters on the graphs that selected them; None
            where nothing was selected.
        train: Number of graphs that the probe was fitted on.
        validation: Number of graphs set aside for selection; 0 where inner folds of the training
            part select.
        test: Numbers of the test graphs in the data set.
        labels: Labels of the test graphs in the user's own values, in the order of `test`; of
            several tasks a list for each graph, with None for a missing entry.
        predictions: Predicted labels of the test graphs.
        decision: Decision values of the test graphs as in `ProbeResult`; None where the probe has
            none, or was fitted without a class of the data set.
        draw: Number of the draw of labelled graphs, where the probe sees few labels.
        pool: Number of graphs that the labelled ones were drawn from; None where all of the
            training part are labelled.

    >>> FoldScore(0, 0, {"accuracy": 0.5}, {}, None, 8, 0, [3, 5], [0, 1], [0, 0]).scores
    {'accuracy': 0.5}
    """

    seed: int
    fold: int
    scores: dict[str, float]
    params: dict[str, Any]
    validation_score: float | None
    train: int
    validation: int
    test: list[int]
    labels: list[Any]
    predictions: list[Any]
    decision: list[Any] | None = None
    draw: int = 0
    pool: int | None = None

    @property
    def test_to_train(self) -> float:
        """n_test/n_train of the corrected tests: of the whole training part, labelled or not."""
        return len(self.test) / (self.train if self.pool is None else self.pool)
