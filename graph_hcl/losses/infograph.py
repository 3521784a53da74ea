"""InfoGraph and its form with hard negatives: nodes against graphs, as objectives."""

from __future__ import annotations

from typing import Any, Unpack

from torch import Tensor

from graph_hcl.losses.checks import check_tensor
from graph_hcl.losses.functional import compute_jensen_shannon
from graph_hcl.losses.hardening import Adaptive, LogEta
from graph_hcl.losses.inputs import as_keys
from graph_hcl.losses.objective import ObjectiveInput, ObjectiveTags, SettingsModule
from graph_hcl.losses.options import describes_arguments, lists_options
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.resolver import make_hardening
from graph_hcl.losses.settings import HInfoGraphOptions, InfoGraphOptions, LossSettings
from graph_hcl.losses.weighting import check_has_weights


@describes_arguments(LossSettings)
class InfoGraph(SettingsModule):
    """InfoGraph: node features are to identify their own graph among those of the batch.

    It contrasts inner products of features as they are, as the paper does: nothing is normalised.

    Raises:
        ValueError: for values out of range, and for features or graphs that do not fit each other.

    >>> import torch
    >>> graph = torch.tensor([0, 1])
    >>> nodes, node_graph = torch.zeros(4, 3), graph.repeat(2)
    >>> InfoGraph()(torch.zeros(2, 3), graph=graph, nodes=nodes, node_graph=node_graph)
    tensor(0.)
    """

    tags = ObjectiveTags(nodes=True)

    @lists_options(InfoGraphOptions, temperature=1.0)
    def __init__(self, **options: Unpack[InfoGraphOptions]) -> None:
        super().__init__()
        self.settings = LossSettings(**({"temperature": 1.0} | options))

    def compute(self, given: ObjectiveInput) -> Tensor:
        """Return the loss of a batch, as the training loop asks for it."""
        loss: Tensor = self(
            given.z, graph=given.graph, nodes=given.nodes, node_graph=given.node_graph
        )
        return loss

    def count(self, given: ObjectiveInput) -> Tensor:
        """Return how many rows have another graph in the batch []."""
        return (given.graph != given.graph[:1]).any() * len(given.graph)

    def forward(self, z: Tensor, *, graph: Tensor, nodes: Tensor, node_graph: Tensor) -> Tensor:
        """Return the loss [] of all nodes against all graphs, or that of each node [n].

        Args:
            z: graph features [M, d].
            graph: the graph [M] of each row of z.
            nodes: node features [n, d].
            node_graph: the graph [n] of each node.
        """
        check_tensor("z", z)
        check_tensor("nodes", nodes)
        keys = as_keys(node_graph, "node_graph", nodes), as_keys(graph, "graph", z)
        return compute_jensen_shannon(nodes, z, Pairs(keys, keys), self.settings)


@describes_arguments(LossSettings)
class HInfoGraph(InfoGraph):
    """InfoGraph with hard negatives, weighted by η and debiased by `tau_plus`.

    The hard form that Robinson et al. (ICLR 2021) intend. Their graph code puts more weight on
    easy negatives and, with its τ⁺, does not attract positives.

    Args:
        beta: β ≥ 0 of η = e^{βs}.
        hardening: "exponential", "threshold", an import path, or log η as a callable.
        hardening_options: keyword arguments of a hardening given by name.

    >>> import torch
    >>> graph = torch.tensor([0, 1])
    >>> nodes, node_graph = torch.zeros(4, 3), graph.repeat(2)
    >>> loss = HInfoGraph(beta=1.0)
    >>> loss(torch.zeros(2, 3), graph=graph, nodes=nodes, node_graph=node_graph)
    tensor(0.)
    """

    @lists_options(HInfoGraphOptions, temperature=1.0)
    def __init__(
        self,
        *,
        beta: float = 1.0,
        hardening: str | LogEta = "exponential",
        hardening_options: dict[str, Any] | None = None,
        **options: Unpack[HInfoGraphOptions],
    ) -> None:
        super().__init__()
        made = make_hardening(hardening, beta, hardening_options)
        check_has_weights(made, "H-InfoGraph")
        if isinstance(made, Adaptive):
            raise ValueError(
                f"Expected a hardening with the same beta for all nodes, but got {hardening!r}."
            )
        given: dict[str, Any] = {"temperature": 1.0, "hardening": made} | dict(options)
        self.settings = LossSettings(**given)
