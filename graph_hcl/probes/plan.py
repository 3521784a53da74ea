"""What a protocol plans for a seed: every fit and test of a probe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graph_hcl.probes.metric import Metric
from graph_hcl.probes.rare import RareClassWarning
from graph_hcl.probes.splits import Fold, Split
from graph_hcl.probes.targets import Targets
from graph_hcl.probes.tasks import task_warning
from graph_hcl.warn import warn_user


@dataclass(frozen=True, eq=False)
class PlannedFold:
    """What one fit and test of a probe sees of an outer fold.

    Attributes:
        number: The number of the outer fold.
        fold: Its parts; with few labels the training part holds the labelled graphs alone.
        splits: Inner splits that select, empty where nothing is selected. Their rows count within
            the training part, then the validation part.
        draw: The number of the draw of labelled graphs.
        pool: Number of graphs that they were drawn from; None where all are labelled.
    """

    number: int
    fold: Fold
    splits: list[Split]
    draw: int = 0
    pool: int | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """All fits of a seed, and a warning of rare classes if there are any."""

    folds: list[PlannedFold]
    warning: str | None


def warn_once(plans: Iterable[Plan], targets: Targets, metrics: Sequence[Metric]) -> None:
    """Give the first warning of the plans of several seeds, if any has one: of classes or tasks.

    >>> warn_once([Plan([], None)], Targets.of([0, 1]), [])
    """
    for plan in plans:
        draws: dict[int, list[Fold]] = {}
        for planned in plan.folds:
            draws.setdefault(planned.number, []).append(planned.fold)
        warning = plan.warning or task_warning(targets, list(draws.values()), metrics)
        if warning is not None:
            warn_user(warning, RareClassWarning)
            return
