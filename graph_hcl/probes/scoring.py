"""Run a probe on every fold, and score its predictions with the test labels."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from graph_hcl.errors import UserError
from graph_hcl.probes.checks import check_whole
from graph_hcl.probes.fold_score import FoldScore
from graph_hcl.probes.labels import Labels
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.plan import PlannedFold
from graph_hcl.probes.probe import Probe, ProbeInput, ProbeResult, runs_in_threads
from graph_hcl.probes.targets import Targets


def check_execution(
    jobs: int | None, progress: Callable[[FoldScore], object] | None = None
) -> None:
    """Raise `UserError` for what is no number of jobs or no function, and for less than one job.

    >>> check_execution(None)
    """
    if jobs is not None:
        check_whole(jobs=jobs)
        if jobs < 1:
            raise UserError(f"Expected 1 job or more, but got {jobs}: leave it out for all cores.")
    if progress is not None and not callable(progress):
        raise UserError(
            f"Expected progress to be a function of one FoldScore, but got {progress!r:.60}."
        )


def score_folds(
    probe: Probe,
    inputs: Sequence[ProbeInput],
    folds: Sequence[PlannedFold],
    targets: Targets,
    metrics: Sequence[Metric],
    seed: int,
    jobs: int | None = None,
    progress: Callable[[FoldScore], object] | None = None,
) -> list[FoldScore]:
    """Return the scores of a probe on its input of each fit; `jobs` threads share the fits."""
    scores, strata = [], targets.strata()
    classes = targets.classes if targets.has_classes else np.array([0, 1])
    # The solvers and BLAS release the interpreter lock, so threads use all cores without copying
    # the data; one BLAS thread each keeps them from competing for the cores.
    with threadpool_limits(1), warnings.catch_warnings():
        # Of few graphs of many rare classes; whether labels are classes is settled by now.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        # Of a Newton step from a minimum, as of constant embeddings; lbfgs, which then takes over,
        # has a warning of its own.
        warnings.filterwarnings("ignore", "Line search of Newton solver", ConvergenceWarning)
        count = -1 if jobs is None else min(jobs, max(1, len(inputs)))
        count = count if runs_in_threads(probe) else 1
        parallel = Parallel(count, backend="threading", return_as="generator")
        results: Iterable[ProbeResult] = parallel(delayed(probe)(given) for given in inputs)
        for result, planned in zip(results, folds, strict=True):
            # Where the fitted labels lack a class, the columns of decision values stand for other
            # classes.
            whole = not targets.has_classes or (
                len(np.unique(strata[planned.fold.train])) == len(classes)
            )
            score = _fold_score(result, planned, targets, classes, metrics, seed, whole)
            scores.append(score)
            if progress is not None:
                progress(score)
    return scores


def _fold_score(
    result: ProbeResult,
    planned: PlannedFold,
    targets: Targets,
    classes: Labels,
    metrics: Sequence[Metric],
    seed: int,
    whole: bool,
) -> FoldScore:
    fold = planned.fold
    labels = targets.values[fold.test]
    predictions, decision = result.predictions, result.decision if whole else None
    return FoldScore(
        seed=seed,
        fold=planned.number,
        scores={m.name: m(labels, predictions, decision, classes) for m in metrics},
        params=dict(result.params),
        validation_score=result.validation_score,
        train=len(fold.train),
        validation=len(fold.validation),
        test=fold.test.tolist(),
        labels=_plain(labels, targets),
        predictions=_plain(predictions, targets),
        decision=None if decision is None else decision.tolist(),
        draw=planned.draw,
        pool=planned.pool,
    )


def _plain(values: Labels, targets: Targets) -> list[Any]:
    """Return values as JSON has them: classes of tasks as integers, missing entries as None."""
    if values.ndim == 1:
        plain: list[Any] = values.tolist()
        return plain
    kind = int if targets.kind == "multilabel" else float
    return [[None if np.isnan(v) else kind(v) for v in row] for row in values.tolist()]
