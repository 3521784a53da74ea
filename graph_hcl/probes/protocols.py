"""How embeddings are measured without leaks: what trains, what selects, what tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from graph_hcl.errors import UserError
from graph_hcl.probes.classifiers import PROBES, Labels, Matrix, Probe
from graph_hcl.probes.evaluation import Evaluation, FoldScore, score
from graph_hcl.probes.splits import Fold, check_folds, check_labels, stratified_folds

PROTOCOLS = ("transductive", "inductive")


def resolve_protocol(protocol: str, uses_labels: bool) -> Literal["transductive", "inductive"]:
    """Return the protocol to run; `auto` is the transductive one unless labels are read.

    Raises `UserError` for a label-reading objective under the transductive protocol.

    >>> resolve_protocol("auto", uses_labels=True)
    'inductive'
    """
    if protocol == "transductive" and uses_labels:
        raise UserError(
            "The objective reads labels, so training it on all graphs would show it the labels of "
            "the test graphs: use --protocol inductive, which trains anew on each fold."
        )
    if protocol == "inductive" or uses_labels:
        return "inductive"
    return "transductive"


def transductive(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    probe: str = "svm",
    folds: int = 10,
    inner: int = 5,
    seed: int = 0,
    jobs: int | None = None,
    progress: str | None = None,
) -> Evaluation:
    """Return the nested cross-validation of a probe on embeddings [G, D] made without labels.

    In each stratified outer fold the probe's C is chosen by `inner`-fold cross-validation of the
    training part (ties go to the smallest), fitted to all of it, and tested once.

    Raises `UserError` for NaN, wrong lengths, one class, or a class too small for the folds.

    >>> x = np.concatenate([np.zeros((20, 2)), np.ones((20, 2))]) + np.eye(2)[[0, 1] * 20] / 9
    >>> transductive(x, [0] * 20 + [1] * 20, folds=5).metric("accuracy").mean()
    np.float64(1.0)
    """
    matrix, codes = _check(embeddings, labels, folds)
    classifier = PROBES.get(probe)()

    def run(number: int, fold: Fold) -> FoldScore:
        x, y = matrix[fold.train], codes[fold.train]
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        if len(classifier.grid) > 1:
            cut = StratifiedKFold(
                min(inner, int(np.bincount(y).min())), shuffle=True, random_state=seed
            )
            parts = list(cut.split(x, y))
        chosen = select(classifier, x, y, parts)
        return _test(classifier, chosen, matrix, codes, number, fold)

    outer = stratified_folds(codes, folds=folds, seed=seed)
    return Evaluation("transductive", probe, seed, _each(run, outer, jobs, progress))


def inductive(
    embed: Callable[[int, Fold], ArrayLike],
    labels: ArrayLike,
    *,
    folds: list[Fold],
    probe: str = "svm",
    seed: int = 0,
    jobs: int | None = None,
    progress: str | None = None,
) -> Evaluation:
    """Return the evaluation of encoders that may read labels, one per fold.

    `embed(number, fold)` gives embeddings [G, D] of all graphs by an encoder that was trained on
    `fold.train` alone. The probe is fitted on `fold.train`, its C chosen on `fold.validation`
    (ties go to the smallest), and tested once on `fold.test`.

    Raises `UserError` as `transductive` does, and for folds that overlap.
    """
    codes = check_labels(labels, 2)
    check_folds(folds, len(codes), "the inductive protocol")
    classifier = PROBES.get(probe)()
    if len(classifier.grid) > 1 and any(len(fold.validation) == 0 for fold in folds):
        raise UserError("Expected a validation part in every fold of the inductive protocol.")

    def run(number: int, fold: Fold) -> FoldScore:
        matrix, _ = _check(embed(number, fold), codes, 2)
        both = np.concatenate([fold.train, fold.validation])
        train = np.arange(len(fold.train))
        parts = [(train, np.arange(len(train), len(both)))]
        chosen = select(classifier, matrix[both], codes[both], parts)
        return _test(classifier, chosen, matrix, codes, number, fold)

    return Evaluation("inductive", probe, seed, _each(run, folds, jobs, progress))


def select(probe: Probe, x: Matrix, y: Labels, parts: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the grid value with the best mean accuracy over `parts` (train, validation)."""
    if len(probe.grid) == 1:
        return probe.grid[0]
    scores = [
        (probe.predict(x[train], y[train], x[held], probe.grid) == y[held]).mean(axis=1)
        for train, held in parts
    ]
    return probe.grid[int(np.mean(scores, axis=0).argmax())]


def _test(
    probe: Probe, chosen: float, matrix: Matrix, codes: Labels, number: int, fold: Fold
) -> FoldScore:
    said = probe.predict(matrix[fold.train], codes[fold.train], matrix[fold.test], [chosen])[0]
    selected = chosen if len(probe.grid) > 1 else None
    sizes = (len(fold.train), len(fold.validation))
    return score(number, sizes, selected, codes[fold.test], said, fold.test)


def _each(
    run: Callable[[int, Fold], FoldScore],
    folds: list[Fold],
    jobs: int | None,
    progress: str | None,
) -> list[FoldScore]:
    """Run all folds on `jobs` threads, one per core unless given.

    The solvers leave the interpreter's lock, so threads serve as well as processes and share the
    embeddings; each keeps to one core, so that they do not crowd one another.
    """
    with threadpool_limits(1):
        work = Parallel(n_jobs=jobs or -1, prefer="threads", return_as="generator")(
            delayed(run)(number, fold) for number, fold in enumerate(folds)
        )
        hide = progress is None
        return list(tqdm(work, progress, len(folds), leave=False, unit="fold", disable=hide))


def _check(embeddings: ArrayLike, labels: ArrayLike, folds: int) -> tuple[Matrix, Labels]:
    matrix = np.ascontiguousarray(embeddings, dtype=np.float64)
    codes = check_labels(labels, folds)
    if matrix.ndim != 2 or len(matrix) != len(codes):
        raise UserError(
            f"Expected embeddings [{len(codes)}, D], one row per label, but got {matrix.shape}."
        )
    if not np.isfinite(matrix).all():
        raise UserError("Expected finite embeddings, but some are NaN or infinite.")
    return matrix, codes
