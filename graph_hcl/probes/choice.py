"""Which probe is meant: by name, import path, function or estimator; or the usual one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.probes.estimators import estimator_probe, is_estimator
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.metrics import find_metric
from graph_hcl.probes.probe import Probe, kinds_of
from graph_hcl.probes.returned import checking
from graph_hcl.probes.targets import CLASSES, Targets
from graph_hcl.probes.tasks import each_task
from graph_hcl.registries import PROBES
from graph_hcl.warn import warn_user

EXACT_LIMIT = 10_000
"""Most labelled training graphs of the default probe with an exact kernel matrix."""

AnyProbe = Any
"""A probe by name or import path, as a function of `ProbeInput`, or a scikit-learn estimator."""


def choose_probe(
    probe: AnyProbe | None,
    targets: Targets,
    *,
    fraction: float = 1.0,
    metric: str | None = None,
) -> AnyProbe:
    """Return the probe itself, or by default the usual one of the targets, by name.

    It is `svm` for classes, beyond `EXACT_LIMIT` labelled training graphs `nystroem-svm`, of which
    one warning tells; `logistic` for several tasks, and `ridge` for real targets.

    Args:
        probe: a probe, or None for the usual one.
        targets: the targets.
        fraction: share of labels that the probe sees, in (0, 1].
        metric: name of the metric that is asked for.

    >>> choose_probe(None, Targets.of([0, 1])), choose_probe(None, Targets.of([0.5, 1.5]))
    ('svm', 'ridge')
    """
    if probe is not None:
        return probe
    if targets.kind == "regression":
        return "ridge"
    if targets.kind == "multilabel":
        return "logistic"
    graphs = round(len(targets.rows) * fraction)
    if graphs <= EXACT_LIMIT:
        return "svm"
    warn_user(
        f"With {graphs:,} graphs, more than {EXACT_LIMIT:,}, the probe is nystroem-svm, an "
        "approximation of svm that takes less time and memory: name a probe to choose."
    )
    return "nystroem-svm"


@names_arguments()
def find_probe(probe: AnyProbe, options: Mapping[str, Any] | None = None) -> Probe:
    """Return the probe of a name or import path, of an estimator, or the callable itself.

    Estimators of scikit-learn may be objects, or classes by import path; `options` are arguments of
    the class, or keyword arguments of a probe that is a function. Raises `UserError` for an unknown
    name and for arguments that it does not take.

    >>> find_probe(len) is len
    True
    >>> find_probe("sklearn.ensemble:RandomForestClassifier", {"n_estimators": 5}).__name__
    'RandomForestClassifier'
    """
    part: Any = PROBES.get(probe) if isinstance(probe, str) else probe
    options = dict(options or {})
    if isinstance(part, type) and is_estimator(part):
        part = _with_options(part, options, probe)
        options = {}
    if is_estimator(part):
        if options:
            raise UserError(
                f"Expected no options beside the estimator {probe_name(part)}, but got "
                f"{', '.join(options)}: set them on the object."
            )
        return estimator_probe(part)
    if not callable(part):
        raise UserError(
            "Expected a probe by name, a function of one ProbeInput or an estimator, but got "
            f"{part!r:.60}."
        )
    chosen: Probe = part
    if not options:
        return chosen
    _check_options(part, options, probe)
    return _marked(functools.partial(part, **options), part)


def _marked(probe: Probe, like: Probe) -> Probe:
    """Return a probe with the marks of the one that it calls."""
    for mark in ("kinds", "selects", "threads", "decides"):
        if hasattr(like, mark):
            setattr(probe, mark, getattr(like, mark))
    return probe


def _with_options(part: Any, options: Mapping[str, Any], probe: AnyProbe) -> Any:
    """Return an estimator of a class; its seed is 0 unless given, so that scores are repeatable."""
    _check_options(part, options, probe)
    if "random_state" in inspect.signature(part).parameters:
        options = {"random_state": 0, **options}
    try:
        return part(**options)
    except (TypeError, ValueError) as error:
        raise UserError(f"Cannot make the probe {probe_name(probe)}: {error}.") from error


def _check_options(part: Any, options: Mapping[str, Any], probe: AnyProbe) -> None:
    parameters = inspect.signature(part).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    names = [name for name, p in parameters.items() if p.kind is not p.POSITIONAL_ONLY]
    names = names if isinstance(part, type) else names[1:]
    wrong = [name for name in options if name not in names]
    if wrong:
        known = ", ".join(names) if names else "none"
        raise UserError(
            f"Expected options of the probe {probe_name(probe)} ({known}), but got "
            f"{', '.join(wrong)}."
        )


def probe_for(probe: AnyProbe, targets: Targets, options: Mapping[str, Any] | None = None) -> Probe:
    """Return the probe that serves the targets; of several tasks, a model for each.

    The results of the probe are checked by `checked_result`. Raises `UserError` as `find_probe`
    does, and for a probe that serves other kinds of targets, or another number of graphs.

    >>> probe_for("ridge", Targets.of([0, 1]))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected a probe of binary targets, but ridge serves regression \
ones: take another probe, or train with --data.labels numbers, which reads the targets as numbers.
    """
    found = find_probe(probe, options)
    if targets.kind not in kinds_of(found):
        as_other = "numbers" if targets.kind in CLASSES else "classes"
        hint = (
            "take another probe."
            if targets.kind == "multilabel"
            else f"take another probe, or train with --data.labels {as_other}, which reads the "
            f"targets as {as_other}."
        )
        raise UserError(
            f"Expected a probe of {targets.kind} targets, but {probe_name(probe)} serves "
            f"{' and '.join(kinds_of(found))} ones: {hint}"
        )
    _check_graphs(found, targets)
    checked = checking(found, targets)
    several = targets.values.ndim == 2
    return _marked(each_task(checked, targets.kind) if several else checked, found)


def _check_graphs(probe: Probe, targets: Targets) -> None:
    """Raise `UserError` for a probe that was made for another number of graphs."""
    graphs = getattr(probe, "graphs", len(targets))
    if graphs != len(targets):
        raise UserError(
            f"Expected kernel matrices of all {len(targets)} graphs, but they have {graphs} rows."
        )


def targets_for(labels: Any, probe: AnyProbe | None, metrics: Any = None) -> Targets:
    """Return labels as targets: real ones where the probe, or the first metric, serves no others.

    >>> targets_for([3, 1, 2], "ridge").kind, targets_for([3, 1, 2], None, ["mae"]).kind
    ('regression', 'regression')
    """
    if isinstance(labels, Targets):
        return labels
    kinds = [] if probe is None else [kinds_of(find_probe(probe))]
    if isinstance(metrics, list | tuple) and metrics and isinstance(metrics[0], str | Metric):
        metric = metrics[0]
        kinds.append((find_metric(metric) if isinstance(metric, str) else metric).kinds)
    real = ("regression",) in [tuple(one) for one in kinds]
    return Targets.of(labels, kind="regression" if real else None)


def probe_name(probe: AnyProbe) -> str:
    """Return the name of a probe in results.

    >>> probe_name("svm"), probe_name(len)
    ('svm', 'len')
    """
    return probe if isinstance(probe, str) else getattr(probe, "__name__", type(probe).__name__)
