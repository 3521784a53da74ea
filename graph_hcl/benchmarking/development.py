"""Candidates by their validation scores: how settings are chosen on development sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from graph_hcl.benchmarking.record import Record
from graph_hcl.benchmarking.selection import ONLY, goodness, label, metric_sign
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.benchmarking.units import of_lower
from graph_hcl.errors import UserError
from graph_hcl.probes.telling import heading, is_share, told_value

Candidate = tuple[str, str]
"""Method and candidate."""


def candidate_table(trials: Sequence[tuple[Trial, Record | None]], protocol: str) -> Table:
    """Return candidates by data sets: mean validation score, and mean rank over the data sets.

    The best mean rank comes first. No test score is shown, and none is needed to choose. Ranks are
    over the candidates that are finished on all data sets. Raises `UserError` for a data set whose
    candidates have validation scores of different metrics.
    """
    scores: dict[Candidate, dict[str, list[float]]] = {}
    metrics: dict[str, str] = {}
    signs: dict[str, float] = {}
    datasets: dict[str, None] = {}
    for trial, record in trials:
        if record is None or trial.protocol != protocol or trial.measure is not None:
            continue
        datasets[trial.dataset] = None
        for fold in record["records"]:
            if fold["validation_score"] is None:
                continue
            metric = next(iter(fold["scores"]))
            if metrics.setdefault(trial.dataset, metric) != metric:
                raise _several_metrics(trial.dataset, metrics[trial.dataset], metric)
            signs[trial.dataset] = metric_sign(fold)
            candidate = trial.method, label(trial, fold["epoch"])
            by_set = scores.setdefault(candidate, {})
            by_set.setdefault(trial.dataset, []).append(fold["validation_score"])
    means = {
        candidate: {name: float(np.mean(values)) for name, values in by_set.items()}
        for candidate, by_set in scores.items()
    }
    ranks = mean_ranks([one for one in means.items() if len(one[1]) == len(datasets)], signs)
    order = sorted(means, key=lambda one: ranks.get(one, np.inf))
    rows = []
    for candidate in order:
        method, name = candidate
        rank = f"{ranks[candidate]:.2f}" if candidate in ranks else ""
        found = means[candidate]
        cells = [told_value(found[d], metrics[d]) if d in found else "" for d in datasets]
        rows.append([method, "" if name == ONLY else name, rank, *cells])
    shares = all(map(is_share, metrics.values()))
    caption = (
        f"Validation scores{'' if shares else ', shares'} in %, {protocol} protocol: mean over "
        "folds and repetitions, by mean rank over the data sets. Settings that are chosen here "
        "belong in tables of other data sets, or are marked there."
        f"{of_lower(metrics[name] for name, sign in signs.items() if sign < 0)}"
    )
    heads = [
        name if shares or name not in metrics else f"{name}, {heading(metrics[name])}"
        for name in datasets
    ]
    return Table(caption, ["method", "candidate", "mean rank", *heads], rows)


def _several_metrics(dataset: str, first: str, second: str) -> UserError:
    return UserError(
        f"Expected validation scores of one metric on {dataset}, but got {first} and {second}: "
        "give all methods the same probe.metric, or make a table of each with --methods."
    )


def mean_ranks(
    means: Sequence[tuple[Candidate, dict[str, float]]], signs: Mapping[str, float] | None = None
) -> dict[Candidate, float]:
    """Return the mean rank of each candidate over the data sets; 1 is best, equals share a rank.

    `signs` are −1 for data sets where lower scores are better. NaN is worst.

    >>> mean_ranks([(("m", "a"), {"x": 0.5, "y": 0.9}), (("m", "b"), {"x": 0.6, "y": 0.9})])
    {('m', 'a'): 1.75, ('m', 'b'): 1.25}
    """
    if not means:
        return {}
    names = list(means[0][1])
    values = np.array([[one[name] for name in names] for _, one in means])
    sign = np.array([(signs or {}).get(name, 1.0) for name in names])
    ranks = stats.rankdata(-goodness(values, sign), axis=0).mean(axis=1)
    return {candidate: float(rank) for (candidate, _), rank in zip(means, ranks, strict=True)}
