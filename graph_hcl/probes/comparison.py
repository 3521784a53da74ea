"""Paired comparisons of two evaluations on the same folds."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.evaluation import Evaluation
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.metric_scores import MetricScores
from graph_hcl.probes.metrics import greater_is_better, known_metric, metric_name
from graph_hcl.probes.statistics import PairedDifference, corrected_t_test


@names_arguments()
def compare(
    first: Evaluation, second: Evaluation, metric: str | Metric | None = None
) -> PairedDifference:
    """Compare two evaluations on the same folds by the corrected resampled t-test.

    Scores are paired by seed and fold; draws of labels, and repetitions on equal test parts, are
    averaged first. Of training parts of different size the smaller one corrects the test. Where all
    folds differ by the same, accuracies are tested as if one graph of one fold did not, and other
    metrics are not tested (p is 1). The difference is first − second, whichever way is better; it
    prints which where lower is.

    Args:
        first: an evaluation.
        second: another on the same seeds, folds and test graphs.
        metric: the metric, or its name; by default the first of both.

    Raises `UserError` for other seeds, folds, test graphs or labels, for a metric that one of the
    two lacks, for none where their first ones differ, and for fewer than two folds.

    >>> from graph_hcl.probes import FoldScore
    >>> def one(*values):
    ...     folds = [FoldScore(0, k, {"accuracy": a}, {}, None, 8, 0, [k], [], [])
    ...              for k, a in enumerate(values)]
    ...     return Evaluation("transductive", "svm", {}, folds)
    >>> print(compare(one(0.9, 0.8, 0.9), one(0.7, 0.7, 0.8)))
    +13.33 percentage points (95 % interval -3.48 … +30.15, p = .076)
    """
    for one in (first, second):
        if not isinstance(one, Evaluation):
            raise UserError(
                f"Expected two evaluations to compare, as evaluate returns them, but got "
                f"{type(one).__name__}: evaluate both first."
            )
    _check_same_data(first, second)
    name = first.metrics[0] if metric is None else metric_name(metric)
    if metric is None and second.metrics[0] != name:
        raise UserError(
            "Expected a metric to compare by, as the evaluations have different first ones, "
            f"{name} and {second.metrics[0]}: name one of both."
        )
    found = paired_difference(first[name], second[name])
    known = known_metric(name)
    lower = greater_is_better(name, first.settings) is False
    percent = known is not None and known.is_share
    return dataclasses.replace(found, percent=percent, lower_is_better=lower)


@names_arguments()
def paired_difference(first: MetricScores, second: MetricScores) -> PairedDifference:
    """Compare two methods' scores of one metric, paired by seed and fold, as `compare` does.

    Raises `UserError` where the seeds and folds of the two differ, and for what is no such scores.

    >>> scores = MetricScores({(0, 0): 0.5, (0, 1): 0.75})
    >>> paired_difference(scores, scores).p_value
    1.0
    """
    for one in (first, second):
        if not isinstance(one, MetricScores):
            raise UserError(
                "Expected the scores of one metric, as evaluation['accuracy'], but got "
                f"{type(one).__name__}: compare takes evaluations."
            )
    if set(first.values) != set(second.values):
        raise UserError("Expected scores of the same seeds and folds, but they differ.")
    others = second.test_parts
    parts = {key: (part, others[key]) for key, part in first.test_parts.items()}
    a, b = (one.resamplings(parts) for one in (first, second))
    ratio = max(first.test_to_train, second.test_to_train)
    steps = [one.step for one in (first, second) if one.step is not None]
    return corrected_t_test(
        [a[key] for key in a],
        [b[key] for key in a],
        test_to_train=ratio,
        step=max(steps) if len(steps) == 2 else None,
    )


def _check_same_data(first: Evaluation, second: Evaluation) -> None:
    """Raise `UserError` for other seeds, folds or test graphs, and other labels where both know."""
    one, other = ({(fold.seed, fold.fold): fold for fold in each.folds} for each in (first, second))
    for seed, number in {**one, **other}:
        a, b = one.get((seed, number)), other.get((seed, number))
        if a is None or b is None or sorted(a.test) != sorted(b.test):
            raise UserError(
                "Expected evaluations on the same folds, but seed "
                f"{seed}, fold {number} tests other graphs or none in one of them: "
                "evaluate both with the same folds, seeds and labels."
            )
        labels = dict(zip(b.test, b.labels, strict=False))
        for graph, label in zip(a.test, a.labels, strict=False):
            if graph in labels and not _same_label(label, labels[graph]):
                raise UserError(
                    f"Expected evaluations with the same labels, but graph {graph} has {label!r} "
                    f"in one and {labels[graph]!r} in the other: evaluate both with the same ones."
                )


def _same_label(one: Any, other: Any) -> bool:
    """Tell whether two labels are the same up to the rounding of single precision.

    >>> _same_label([1, None], [1, None]), _same_label(0.1, 0.2), _same_label("a", "a")
    (True, False, True)
    """
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_label, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-6)
    return bool(one == other)
