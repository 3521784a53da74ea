"""Evaluate embeddings in one call: `transductive` and `inductive`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from graph_hcl.probes.evaluation import Evaluation, FoldScore
from graph_hcl.probes.probe import Probe, find_probe, selects
from graph_hcl.probes.protocols import Inductive, Transductive
from graph_hcl.probes.scoring import check_jobs
from graph_hcl.probes.splits import Fold
from graph_hcl.probes.targets import Targets

Progress = Callable[[FoldScore], object]


def transductive(
    embeddings: ArrayLike,
    labels: Any,
    *,
    probe: str | Probe = "svm",
    folds: int = Transductive.folds,
    inner: int = Transductive.inner,
    fraction: float = Transductive.fraction,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure embeddings [G, D] of an encoder that saw all graphs but no label.

    Nested stratified cross-validation: in each of `folds` outer folds, the training part alone
    scales the embeddings and selects the probe's parameters by `inner` folds; refitted on the
    training part, the probe is tested once. Outer and inner splits are those of scikit-learn's
    `StratifiedKFold(…, shuffle=True, random_state=seed)`. `jobs` threads share the folds (all cores
    unless given); `progress` is called with each finished fold.

    Rare classes are spread: the graphs of a class that has fewer than folds, outer or inner, are in
    different ones, and the other folds are without it; one warning names such classes. A class with
    a single graph is unknown to the probe that is tested on it, which counts as a mistake and as an
    F1 of 0 of the class in that fold. Where no class of a training part has `inner` graphs, there
    are as many inner folds as its largest class has graphs; an inner fold without which only one
    class is left selects nothing; where none selects, the probe keeps its default parameters (C is
    1). Probes without parameters need no inner folds.

    With `fraction` below 1 the probe sees the labels of that share of each training part only, a
    stratified draw with one graph of each class at least. It takes fewer inner folds where the draw
    leaves a class that is not rare with fewer graphs than `inner`, and the default parameters where
    it leaves one with a single graph.

    Raises `UserError` for labels that are no classes (see `check_labels`), embeddings that are not
    finite, a length that is not that of the labels, fewer graphs of every class than folds, a
    training part of one class, fewer than 2 inner folds, or a fraction outside (0, 1].

    >>> import numpy as np
    >>> x = np.array([[0.0], [1.0]]).repeat(10, axis=0) + np.arange(20)[:, None] / 100
    >>> evaluation = transductive(x, [0] * 10 + [1] * 10, folds=2, jobs=1)
    >>> evaluation.mean, [fold.params for fold in evaluation.folds]
    (1.0, [{'C': 0.001}, {'C': 0.001}])
    """
    protocol = Transductive(folds, inner, fraction)
    targets = Targets.of(labels)
    plan = protocol.plan(targets, seed, selects(find_probe(probe)))
    plan.warn(stacklevel=2)
    return protocol.evaluate_plan(
        plan, [embeddings], targets, probe=probe, seed=seed, jobs=jobs, progress=progress
    )


def inductive(
    embed: Callable[[int, Fold], ArrayLike],
    labels: Any,
    *,
    folds: Sequence[Fold],
    probe: str | Probe = "svm",
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure encoders that were each trained on the training part of one fold.

    `embed(number, fold)` trains on `fold.train` only and returns the embeddings [G, D] of all
    graphs. Per fold, the training part scales them, the validation part selects the probe's
    parameters, the probe is fitted on the training part and tested once. `seed` is recorded: it is
    the encoders'. Classes may be missing from a part, with one warning that names them; graphs of a
    class that the training part lacks count as mistakes.

    Raises `UserError` as `transductive` does, before it asks for embeddings where it can; for parts
    of a fold that overlap, are out of range or empty; and for a fold without a validation part if
    the probe has parameters to select.

    >>> import numpy as np
    >>> from graph_hcl.probes.splits import stratified_folds
    >>> x = np.arange(20.0)[:, None] % 2
    >>> folds = stratified_folds([0, 1] * 10, folds=2, validation=0.2)
    >>> inductive(lambda number, fold: x, [0, 1] * 10, folds=folds, jobs=1).mean
    1.0
    """
    protocol = Inductive(splits=tuple(folds))
    targets = Targets.of(labels)
    check_jobs(jobs)
    plan = protocol.plan(targets, seed, selects(find_probe(probe)))
    plan.warn(stacklevel=2)
    embeddings = [embed(number, fold) for number, fold in enumerate(folds)]
    return protocol.evaluate_plan(
        plan, embeddings, targets, probe=probe, seed=seed, jobs=jobs, progress=progress
    )
