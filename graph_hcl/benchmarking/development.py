"""Candidates by their validation scores: how settings are chosen on development sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from graph_hcl.benchmarking.record import Record
from graph_hcl.benchmarking.selection import ONLY, label, metric_sign
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.trials import Trial

Candidate = tuple[str, str]
"""Method and candidate."""


def candidate_table(trials: Sequence[tuple[Trial, Record | None]], protocol: str) -> Table:
    """Return candidates by data sets: mean validation score, and mean rank over the data sets.

    The best mean rank comes first. No test score is shown, and none is needed to choose. Ranks are
    over the candidates that are finished on all data sets.
    """
    scores: dict[Candidate, dict[str, list[float]]] = {}
    datasets: dict[str, None] = {}
    sign = 1.0
    for trial, record in trials:
        if record is None or trial.protocol != protocol or trial.measure is not None:
            continue
        datasets[trial.dataset] = None
        for fold in record["records"]:
            if fold["validation_score"] is None:
                continue
            sign = metric_sign(fold)
            candidate = trial.method, label(trial, fold["epoch"])
            by_set = scores.setdefault(candidate, {})
            by_set.setdefault(trial.dataset, []).append(fold["validation_score"])
    means = {
        candidate: {name: float(np.mean(values)) for name, values in by_set.items()}
        for candidate, by_set in scores.items()
    }
    ranks = mean_ranks([one for one in means.items() if len(one[1]) == len(datasets)], sign)
    order = sorted(means, key=lambda one: ranks.get(one, np.inf))
    rows = []
    for candidate in order:
        method, name = candidate
        rank = f"{ranks[candidate]:.2f}" if candidate in ranks else ""
        found = [means[candidate].get(dataset) for dataset in datasets]
        cells = ["" if one is None else f"{100 * one:.2f}" for one in found]
        rows.append([method, "" if name == ONLY else name, rank, *cells])
    caption = (
        f"Validation scores in %, {protocol} protocol: mean over folds and repetitions, by mean "
        "rank over the data sets. Settings that are chosen here belong in tables of other data "
        "sets, or are marked there."
    )
    return Table(caption, ["method", "candidate", "mean rank", *datasets], rows)


def mean_ranks(
    means: Sequence[tuple[Candidate, dict[str, float]]], sign: float = 1.0
) -> dict[Candidate, float]:
    """Return the mean rank of each candidate over the data sets; 1 is best, equals share a rank.

    >>> mean_ranks([(("m", "a"), {"x": 0.5, "y": 0.9}), (("m", "b"), {"x": 0.6, "y": 0.9})])
    {('m', 'a'): 1.75, ('m', 'b'): 1.25}
    """
    if not means:
        return {}
    values = np.array([[one[name] for name in means[0][1]] for _, one in means])
    ranks = stats.rankdata(-sign * values, axis=0).mean(axis=1)
    return {candidate: float(rank) for (candidate, _), rank in zip(means, ranks, strict=True)}
