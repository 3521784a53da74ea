"""Scores as people read them: shares in percent, everything else in its own unit."""

from __future__ import annotations

from graph_hcl.probes.metric_scores import MetricScores
from graph_hcl.probes.metrics import known_metric, title


def is_share(metric: str) -> bool:
    """Tell whether a metric's values are shares, which are told in percent; others have a unit.

    >>> is_share("roc_auc"), is_share("r2")
    (True, False)
    """
    known = known_metric(metric)
    return known is not None and known.is_share


def heading(metric: str) -> str:
    """Return the heading of a metric's column.

    >>> heading("accuracy"), heading("rmse")
    ('accuracy %', 'RMSE')
    """
    return f"{title(metric)} %" if is_share(metric) else title(metric)


def told(scores: MetricScores, metric: str) -> str:
    """Return mean and deviation, if any, of a metric: in percent of shares, else in its own unit.

    >>> told(MetricScores({(0, 0): 0.5, (0, 1): 0.75}), "accuracy")
    '62.50 ± 12.50'
    >>> told(MetricScores({(0, 0): 0.5, (0, 1): 0.75}), "rmse")
    '0.625 ± 0.12'
    """
    deviation = scores.deviation
    if is_share(metric):
        return percent(scores.mean, deviation)
    return told_value(scores.mean, metric) + ("" if deviation is None else f" ± {deviation:.2g}")


def told_value(value: float, metric: str) -> str:
    """Return one value of a metric as `told` writes its mean.

    >>> told_value(0.5, "accuracy"), told_value(0.5, "rmse")
    ('50.00', '0.5')
    """
    return percent(value, None) if is_share(metric) else f"{value:.4g}"


def percent(mean: float, std: float | None) -> str:
    """Return a mean and a standard deviation, if there is one, in percent.

    >>> percent(0.5, 0.125), percent(0.5, None)
    ('50.00 ± 12.50', '50.00')
    """
    return f"{100 * mean:.2f}" + ("" if std is None else f" ± {100 * std:.2f}")
