"""Paired comparisons of two evaluations on the same folds."""

from __future__ import annotations

import dataclasses

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.evaluation import Evaluation
from graph_hcl.probes.metric_scores import MetricScores
from graph_hcl.probes.metrics import greater_is_better, known_metric
from graph_hcl.probes.statistics import PairedDifference, corrected_t_test


@names_arguments()
def compare(first: Evaluation, second: Evaluation, metric: str | None = None) -> PairedDifference:
    """Compare two evaluations on the same folds by the corrected resampled t-test.

    Scores are paired by seed and fold; draws of labels, and repetitions on fixed folds, are
    averaged first. The difference is first − second, whichever way is better; it prints which where
    lower is.

    Args:
        first: an evaluation.
        second: another on the same seeds, folds and test graphs.
        metric: name of the metric, by default the first of both.

    Raises `UserError` for other seeds, folds or test graphs, for a metric that one of the two
    lacks, for none where their first ones differ, and for fewer than two folds.

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
    for a, b in ((first, second), (second, first)):
        tests = {(fold.seed, fold.fold): sorted(fold.test) for fold in b.folds}
        for fold in a.folds:
            if tests.get((fold.seed, fold.fold)) != sorted(fold.test):
                raise UserError(
                    "Expected evaluations on the same folds, but seed "
                    f"{fold.seed}, fold {fold.fold} tests other graphs or none in one of them: "
                    "evaluate both with the same folds, seeds and labels."
                )
    name = first.metrics[0] if metric is None else metric
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

    Raises `UserError` where the seeds and folds of the two differ.

    >>> scores = MetricScores({(0, 0): 0.5, (0, 1): 0.75})
    >>> paired_difference(scores, scores).p_value
    1.0
    """
    if set(first.values) != set(second.values):
        raise UserError("Expected scores of the same seeds and folds, but they differ.")
    fixed = first.fixed_folds and second.fixed_folds
    a, b = (dataclasses.replace(one, fixed_folds=fixed).resamplings() for one in (first, second))
    return corrected_t_test(
        [a[key] for key in a], [b[key] for key in a], test_to_train=first.test_to_train
    )
