"""Evaluation protocols: which graphs an encoder and a probe may see before they are tested."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, f1_score
from threadpoolctl import threadpool_limits

from graph_hcl.errors import UserError
from graph_hcl.probes.evaluation import Evaluation, FoldScore
from graph_hcl.probes.labels import Labels, check_labels
from graph_hcl.probes.plan import FOLDS, INNER, check_jobs, plan_inductive, plan_transductive
from graph_hcl.probes.splits import Fold
from graph_hcl.probes.task import Floats, Probe, Task, find_probe, probe_name, selects

PROTOCOLS = ("transductive", "inductive")

Progress = Callable[[FoldScore], object]


def resolve_protocol(protocol: str, uses_labels: bool) -> str:
    """Return the protocol's name; `auto` is transductive unless the objective reads labels.

    Raises `UserError` for an unknown name, and for `transductive` with an objective that reads
    labels.

    >>> resolve_protocol("auto", uses_labels=True)
    'inductive'
    """
    if protocol == "auto":
        return "inductive" if uses_labels else "transductive"
    if protocol not in PROTOCOLS:
        raise UserError(
            f"Expected the protocol to be auto or one of {', '.join(PROTOCOLS)}, but got "
            f"'{protocol}'."
        )
    if protocol == "transductive" and uses_labels:
        raise UserError(
            "Expected the inductive protocol for an objective that reads labels: under the "
            "transductive one it would pre-train on the labels of the test graphs, which leaks "
            "them into the scores."
        )
    return protocol


def transductive(
    embeddings: ArrayLike,
    labels: Any,
    *,
    probe: str | Probe = "svm",
    folds: int = FOLDS,
    inner: int = INNER,
    fraction: float = 1.0,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure embeddings [G, D] of an encoder that saw all graphs but no label.

    Nested stratified cross-validation: in each of `folds` outer folds, the training part alone
    scales the embeddings and chooses C by `inner` folds; refitted on the training part, the probe
    is tested once. The splits are scikit-learn's `StratifiedKFold(…, shuffle=True,
    random_state=seed)`, outer and inner. `jobs` threads share the folds (all cores unless given);
    `progress` is called with each finished fold.

    Rare classes are spread: the graphs of a class that has fewer than folds, outer or inner, stand
    in different ones, and the other folds are without it, with one warning that names the classes.
    A class with a single graph is unknown to the probe that is tested on it; that counts as a
    mistake, and as an F1 of 0 of the class in that fold. Where no class of a training part has
    `inner` graphs, there are as many inner folds as its largest class has graphs; an inner fold
    without which only one class is left selects nothing; where none selects, C is 1. Probes that
    choose nothing need no inner folds.

    With `fraction` below 1 the probe sees the labels of that share of each training part only, a
    stratified draw with one graph of each class at least: few labels. It takes fewer inner folds
    where the draw leaves a class that is not rare with fewer graphs than `inner`, and C = 1 where
    it leaves one with a single graph.

    Raises `UserError` for labels that are no classes (see `check_labels`), embeddings that are not
    finite, a length that is not that of the labels, fewer graphs of every class than folds, a
    training part of one class, fewer than 2 inner folds, or a fraction outside (0, 1].

    >>> x = np.array([[0.0], [1.0]]).repeat(10, axis=0) + np.arange(20)[:, None] / 100
    >>> found = transductive(x, [0] * 10 + [1] * 10, folds=2, jobs=1)
    >>> found.mean, [score.C for score in found.scores]
    (1.0, [0.001, 0.001])
    """
    y, chosen = check_labels(labels), find_probe(probe)
    x = _check_embeddings(embeddings, y)
    check_jobs(jobs)
    plan = plan_transductive(y, probe, folds=folds, inner=inner, fraction=fraction, seed=seed)
    plan.warn(stacklevel=2)
    tasks = [
        Task(x[fold.train], y[fold.train], parts, np.arange(len(fold.train)), x[fold.test])
        for fold, parts in zip(plan.folds, plan.parts, strict=True)
    ]
    scores = _run(chosen, tasks, plan.folds, y, jobs, progress)
    given = {"folds": folds, "inner": inner if selects(chosen) else None, "fraction": fraction}
    return Evaluation("transductive", probe_name(probe), seed, scores, given)


def inductive(
    embed: Callable[[int, Fold], ArrayLike],
    labels: Any,
    *,
    folds: list[Fold],
    probe: str | Probe = "svm",
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure encoders that were each trained on the training part of one fold.

    `embed(number, fold)` trains on `fold.train` only and returns the embeddings [G, D] of all
    graphs. Per fold, the training part scales them, the validation part chooses C, the probe is
    fitted on the training part and tested once. `seed` is recorded: it is the encoders'. Classes
    may be missing from a part, with one warning that names them; graphs of a class that the
    training part lacks count as mistakes.

    Raises `UserError` as `transductive` does, before it asks for embeddings where it can, and for
    a fold without a validation part if the probe has something to choose.

    >>> from graph_hcl.probes.splits import stratified_folds
    >>> x = np.arange(20.0)[:, None] % 2
    >>> folds = stratified_folds([0, 1] * 10, folds=2, validation=0.2)
    >>> inductive(lambda number, fold: x, [0, 1] * 10, folds=folds, jobs=1).mean
    1.0
    """
    y, chosen = check_labels(labels), find_probe(probe)
    check_jobs(jobs)
    plan = plan_inductive(y, probe, folds)
    plan.warn(stacklevel=2)
    tasks = []
    for number, (fold, parts) in enumerate(zip(folds, plan.parts, strict=True)):
        x = _check_embeddings(embed(number, fold), y)
        seen = np.concatenate([fold.train, fold.validation])
        tasks.append(Task(x[seen], y[seen], parts, np.arange(len(fold.train)), x[fold.test]))
    scores = _run(chosen, tasks, folds, y, jobs, progress)
    return Evaluation("inductive", probe_name(probe), seed, scores, {"folds": len(folds)})


def _check_embeddings(embeddings: ArrayLike, y: Labels) -> Floats:
    x = np.asarray(embeddings, dtype=np.float64)
    if x.ndim != 2 or len(x) != len(y):
        raise UserError(
            f"Expected one embedding for each of the {len(y)} labels [{len(y)}, D], but got an "
            f"array of shape {list(x.shape)}."
        )
    if not np.isfinite(x).all():
        graph = int((~np.isfinite(x).all(1)).argmax())
        raise UserError(
            f"Expected finite embeddings, but that of graph {graph} has NaN or infinite entries: "
            "did training diverge?"
        )
    return x


def _run(
    probe: Probe,
    tasks: list[Task],
    folds: list[Fold],
    y: Labels,
    jobs: int | None,
    progress: Progress | None,
) -> list[FoldScore]:
    """Answer every task, then score the answers with the test labels."""
    scores = []
    # The solvers and BLAS leave the interpreter lock, so threads use all cores without copying the
    # data; one BLAS thread each keeps them from fighting for the cores.
    with threadpool_limits(1), warnings.catch_warnings():
        # Of few graphs of many rare classes; whether labels are classes is settled by now.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        parallel = Parallel(
            -1 if jobs is None else jobs, backend="threading", return_as="generator"
        )
        answers: Iterable = parallel(delayed(probe)(task) for task in tasks)
        for number, (answer, fold) in enumerate(zip(answers, folds, strict=True)):
            truth = y[fold.test]
            score = FoldScore(
                number,
                float(accuracy_score(truth, answer.predictions)),
                float(f1_score(truth, answer.predictions, average="macro", zero_division=0)),
                answer.C,
                len(fold.train),
                len(fold.validation),
                len(fold.test),
                answer.predictions.tolist(),
                truth.tolist(),
                answer.validation,
            )
            scores.append(score)
            if progress is not None:
                progress(score)
    return scores
