"""Evaluation protocols: which graphs an encoder and a probe may see before they are tested."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from graph_hcl.errors import UserError
from graph_hcl.probes.evaluation import Evaluation, FoldScore
from graph_hcl.probes.splits import (
    Fold,
    check_class_sizes,
    check_labels,
    stratified_folds,
    with_few_labels,
)
from graph_hcl.probes.task import PROBES, Floats, Labels, Probe, Task

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
    labels: ArrayLike,
    *,
    probe: str | Probe = "svm",
    folds: int = 10,
    inner: int = 5,
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

    With `fraction` below 1 the probe sees the labels of that share of each training part only, a
    stratified draw with one graph of each class at least: few labels. It takes fewer inner folds
    where a class has fewer graphs than `inner`, and C = 1 where one has a single graph.

    Raises `UserError` for embeddings that are not finite, a length that is not that of the labels,
    one class, fewer graphs of a class than folds, or a fraction outside (0, 1].

    >>> x = np.array([[0.0], [1.0]]).repeat(10, axis=0) + np.arange(20)[:, None] / 100
    >>> found = transductive(x, [0] * 10 + [1] * 10, folds=2, jobs=1)
    >>> found.mean, [score.C for score in found.scores]
    (1.0, [0.001, 0.001])
    """
    y = check_labels(labels)
    x = _check_embeddings(embeddings, y)
    splits = stratified_folds(y, folds=folds, seed=seed)
    if fraction != 1:
        splits = [with_few_labels(fold, y, fraction, seed) for fold in splits]
    tasks = []
    for number, fold in enumerate(splits):
        seen = y[fold.train]
        if fraction == 1:
            where = f"the training part of fold {number}"
            check_class_sizes(seen, inner, where, "take fewer inner folds")
        count = min(inner, int(np.unique(seen, return_counts=True)[1].min()))
        parts = []
        if count > 1:
            splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
            parts = list(splitter.split(fold.train, seen))
        tasks.append(Task(x[fold.train], seen, parts, np.arange(len(seen)), x[fold.test]))
    scores = _run(find_probe(probe), tasks, splits, y, jobs, progress)
    return Evaluation("transductive", probe_name(probe), seed, scores)


def inductive(
    embed: Callable[[int, Fold], ArrayLike],
    labels: ArrayLike,
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
    fitted on the training part and tested once. `seed` is recorded: it is the encoders'.

    Raises `UserError` as `transductive` does, and for a fold without a validation part or with a
    training part of one class.

    >>> x = np.arange(20.0)[:, None] % 2
    >>> folds = stratified_folds([0, 1] * 10, folds=2, validation=0.2)
    >>> inductive(lambda number, fold: x, [0, 1] * 10, folds=folds, jobs=1).mean
    1.0
    """
    y = check_labels(labels)
    for number, fold in enumerate(folds):
        if len(fold.validation) == 0:
            raise UserError(
                f"Expected a validation part in fold {number} to choose C on, but it is empty: "
                "draw the folds with a validation share."
            )
        if len(np.unique(y[fold.train])) < 2:
            raise UserError(f"Expected two classes in the training part of fold {number}.")
    tasks = []
    for number, fold in enumerate(folds):
        x = _check_embeddings(embed(number, fold), y)
        seen = np.concatenate([fold.train, fold.validation])
        train, validation = np.split(np.arange(len(seen)), [len(fold.train)])
        tasks.append(Task(x[seen], y[seen], [(train, validation)], train, x[fold.test]))
    scores = _run(find_probe(probe), tasks, folds, y, jobs, progress)
    return Evaluation("inductive", probe_name(probe), seed, scores)


def find_probe(probe: str | Probe) -> Probe:
    """Return the probe called so, or the callable itself.

    >>> find_probe("svm").__name__
    'svm'
    """
    return PROBES.get(probe) if isinstance(probe, str) else probe


def probe_name(probe: str | Probe) -> str:
    """Return the name that results bear.

    >>> probe_name(find_probe("class-mean"))
    'class_mean'
    """
    return probe if isinstance(probe, str) else getattr(probe, "__name__", type(probe).__name__)


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
    if jobs is not None and jobs < 1:
        raise UserError(f"Expected 1 job or more, but got {jobs}.")
    scores = []
    # The solvers and BLAS leave the interpreter lock, so threads use all cores without copying the
    # data; one BLAS thread each keeps them from fighting for the cores.
    with threadpool_limits(1):
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
