"""The contract between a training loop and an objective: what it reads, and the one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from graph_hcl.keywords import can_be_called, names_arguments

if TYPE_CHECKING:
    from graph_hcl.losses.hardening import Adaptive, LogEta
    from graph_hcl.losses.settings import LossSettings


@dataclass(frozen=True)
class ObjectiveTags:
    """What an objective reads in addition to graph features.

    Args:
        labels: it reads one class per graph.
        nodes: it reads node features, too.
        logits: it reads one column per class instead of features, so the head ends in the number of
            classes and nothing is normalised.

    >>> ObjectiveTags(labels=True)
    ObjectiveTags(labels=True, nodes=False, logits=False)
    """

    labels: bool = False
    nodes: bool = False
    logits: bool = False


class ObjectiveInput(NamedTuple):
    """The features passed to an objective: all views of a batch, one row each.

    Attributes:
        z: features [M, d] of all views.
        graph: graph [M] that each row is a view of.
        label: class [M] of each row, where the objective reads labels.
        nodes: node features [n, d], where it reads nodes.
        node_graph: graph [n] of each node, where it reads nodes.
        views: number of views, where the rows are those of the first view of distinct graphs, then
            those of the second in the same order, and so on; None where that is not known.

    >>> import torch
    >>> ObjectiveInput(torch.eye(2), torch.arange(2)).label is None
    True
    """

    z: Tensor
    graph: Tensor
    label: Tensor | None = None
    nodes: Tensor | None = None
    node_graph: Tensor | None = None
    views: int | None = None


class Epoch(NamedTuple):
    """The epoch that is about to start, 1 … `total`.

    `progress` raises `ValueError` for a number outside 1 … `total`.

    >>> Epoch(1, 5).progress, Epoch(5, 5).progress
    (0.0, 1.0)
    """

    number: int
    total: int

    @property
    def progress(self) -> float:
        """Fraction of the training that is done, from 0 in the first epoch to 1 in the last."""
        if not 1 <= self.number <= self.total:
            raise ValueError(
                f"Expected an epoch from 1 to {self.total}, the first and the last, but got "
                f"{self.number}."
            )
        return (self.number - 1) / max(1, self.total - 1)


@runtime_checkable
class Objective(Protocol):
    """What the training loop asks of an objective; `as_objective` makes one of any callable.

    >>> import torch
    >>> from graph_hcl.losses import UCL
    >>> loss = UCL()
    >>> loss.tags.labels, loss.compute(ObjectiveInput(torch.ones(4, 1), torch.tensor([0, 1, 0, 1])))
    (False, tensor(1.0986))
    """

    @property
    def tags(self) -> ObjectiveTags:
        """What the objective reads."""

    def compute(self, given: ObjectiveInput) -> Tensor:
        """Return the loss [] of a batch."""

    def count(self, given: ObjectiveInput) -> Tensor | None:
        """Return how many rows count in the loss [], or None if the objective does not know.

        Only graphs and labels are read, not features.
        """

    def on_epoch(self, epoch: Epoch) -> None:
        """Prepare for an epoch that is about to start."""


class SettingsModule(nn.Module):
    """A module that holds `LossSettings`, and needs no preparation for an epoch."""

    settings: LossSettings

    @property
    def temperature(self) -> float:
        """The temperature T."""
        return self.settings.temperature

    @property
    def hardening(self) -> LogEta | Adaptive | None:
        """The hardening η as it is now, None for η = 1; a schedule changes its β."""
        return self.settings.hardening

    def on_epoch(self, epoch: Epoch) -> None:
        """Change nothing."""


class CallableObjective(nn.Module):
    """Any callable `loss(z, graph=…, label=…)` as an `Objective`.

    Its attributes `uses_labels`, `reads_nodes` and `reads_logits`, False where they are missing,
    are its tags; with `reads_nodes` it is called with `nodes` and `node_graph`, too. Its methods
    `count(given)` and `on_epoch(epoch)` are called where it has them.

    >>> import torch
    >>> objective = CallableObjective(lambda z, graph, label: z.sum())
    >>> objective.compute(ObjectiveInput(torch.eye(2), torch.arange(2)))
    tensor(2.)
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function
        names = ("uses_labels", "reads_nodes", "reads_logits")
        self.tags = ObjectiveTags(*(bool(getattr(function, name, False)) for name in names))

    def compute(self, given: ObjectiveInput) -> Tensor:
        """Return the loss [] of a batch."""
        keywords: dict[str, Any] = {"graph": given.graph, "label": given.label}
        if self.tags.nodes:
            keywords |= {"nodes": given.nodes, "node_graph": given.node_graph}
        return self.function(given.z, **keywords)

    def count(self, given: ObjectiveInput) -> Tensor | None:
        """Return what the callable's own `count` returns, or None where it has none."""
        count = getattr(self.function, "count", None)
        return None if count is None else count(given)

    def on_epoch(self, epoch: Epoch) -> None:
        """Call the callable's own `on_epoch`, if it has one."""
        if (prepare := getattr(self.function, "on_epoch", None)) is not None:
            prepare(epoch)


@names_arguments()
def as_objective(objective: Objective | Callable[..., Tensor]) -> Objective:
    """Return the objective itself, or a callable wrapped as one.

    >>> as_objective(lambda z, graph, label: z.sum()).tags
    ObjectiveTags(labels=False, nodes=False, logits=False)

    Raises `ValueError` for a class, and for what cannot be called with `graph` and `label`.
    """
    if isinstance(objective, type):
        raise ValueError(
            f"Expected an objective, but got the class {objective.__name__}: make one of it, "
            f"{objective.__name__}(…)."
        )
    if isinstance(objective, Objective):
        return objective
    if not callable(objective) or not _takes_rows(objective):
        raise ValueError(
            "Expected an objective, or a function loss(z, graph=…, label=…), but got "
            f"{getattr(objective, '__name__', type(objective).__name__)}."
        )
    return CallableObjective(objective)


def _takes_rows(function: Callable[..., Tensor]) -> bool:
    """Tell whether a function can be called as `CallableObjective` does, where that is known."""
    names = ["graph", "label"]
    if getattr(function, "reads_nodes", False):
        names += ["nodes", "node_graph"]
    called = function.forward if isinstance(function, nn.Module) else function
    return can_be_called(called, None, **dict.fromkeys(names))
