"""Augmentations that drop, add or mask at random: edges, nodes, features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from graph_hcl.augment.draw import per_undirected_edge, rank_in_graph, sizes, uniform
from graph_hcl.augment.edit import Edit
from graph_hcl.errors import UserError
from graph_hcl.registry import Registry


class Augmentation(Protocol):
    """What an augmentation is: a batch and a generator on its device give an `Edit`."""

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:  # noqa: D102
        ...


AUGMENTATIONS: Registry[Any] = Registry("augmentation")


def check_ratio(name: str, ratio: float) -> None:
    """Raise `UserError` unless the ratio is in [0, 1]."""
    if not 0 <= ratio <= 1:
        raise UserError(f"Expected the ratio of {name} to be in [0, 1], but got {ratio}.")


@AUGMENTATIONS.register("identity")
@dataclass(frozen=True)
class Identity:
    """The batch as it is."""

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the empty edit."""
        return Edit()


@AUGMENTATIONS.register("edge_drop")
@dataclass(frozen=True)
class EdgeDrop:
    """Drop each undirected edge with probability `ratio`; both directions share one fate.

    DropEdge (Rong et al. 2020, arXiv 1907.10903), as the "edge perturbation" of GraphCL without
    its added edges. A directed edge and its reverse, where both exist, also fall together.
    """

    ratio: float = 0.2

    def __post_init__(self) -> None:
        check_ratio("edge_drop", self.ratio)

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the edges [E] that stay."""
        return Edit(edges=per_undirected_edge(batch, generator) >= self.ratio)


@AUGMENTATIONS.register("edge_add")
@dataclass(frozen=True)
class EdgeAdd:
    """Add `ratio` times a graph's edges between random pairs of its nodes, in both directions.

    Pairs are drawn uniformly with replacement; pairs of a node with itself and pairs that are
    already joined, or drawn twice, are left out, so that a few fewer come. New edges have zeros as
    attributes.
    """

    ratio: float = 0.2

    def __post_init__(self) -> None:
        check_ratio("edge_add", self.ratio)

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the new edges [2, A]."""
        graph = batch.batch[batch.edge_index[0]]
        # Each existing pair sponsors a new one in its own graph with probability `ratio`.
        sponsor = graph[uniform((len(graph),), batch, generator) < self.ratio / 2]
        spread = uniform((2, len(sponsor)), batch, generator) * sizes(batch)[sponsor]
        ends = batch.ptr[sponsor] + spread.long()
        low, high = ends.amin(0), ends.amax(0)
        nodes = batch.x.shape[0]
        key = (low * nodes + high)[low < high].unique()
        present = batch.edge_index[0] * nodes + batch.edge_index[1]
        reverse = (key % nodes) * nodes + key // nodes
        key = key[~(torch.isin(key, present) | torch.isin(reverse, present))]
        low, high = key // nodes, key % nodes
        return Edit(new_edges=torch.stack([torch.cat([low, high]), torch.cat([high, low])]))


@AUGMENTATIONS.register("node_drop")
@dataclass(frozen=True)
class NodeDrop:
    """Drop ⌊ratio · n⌋ random nodes of each graph of n nodes with their edges; one always stays.

    Node dropping of GraphCL (You et al. 2020, arXiv 2010.13902, section 3.2).
    """

    ratio: float = 0.2

    def __post_init__(self) -> None:
        check_ratio("node_drop", self.ratio)

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the nodes [n] that stay."""
        size = sizes(batch)
        dropped = torch.minimum((self.ratio * size).floor().long(), size - 1)
        rank = rank_in_graph(uniform((len(batch.batch),), batch, generator), batch)
        return Edit(nodes=rank >= dropped[batch.batch])


@AUGMENTATIONS.register("feature_mask")
@dataclass(frozen=True)
class FeatureMask:
    """Set all features of each node to zero with probability `ratio`.

    Attribute masking of GraphCL (You et al. 2020, arXiv 2010.13902, section 3.2).
    """

    ratio: float = 0.2

    def __post_init__(self) -> None:
        check_ratio("feature_mask", self.ratio)

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the nodes [n, 1] whose features stay."""
        return Edit(features=uniform((len(batch.batch), 1), batch, generator) >= self.ratio)


@AUGMENTATIONS.register("column_mask")
@dataclass(frozen=True)
class ColumnMask:
    """Set each feature column of each graph to zero, for all its nodes, with probability `ratio`.

    Feature masking of GRACE (Zhu et al. 2020, arXiv 2006.04131, section 3.1), drawn per graph.
    """

    ratio: float = 0.2

    def __post_init__(self) -> None:
        check_ratio("column_mask", self.ratio)

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the features [n, F] that stay."""
        columns = uniform((batch.num_graphs, batch.x.shape[1]), batch, generator) >= self.ratio
        return Edit(features=columns[batch.batch])
