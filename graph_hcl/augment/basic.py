"""Augmentations that drop, add or mask at random, each drawn for all graphs of a batch at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator
from torch_geometric.data import Batch

from graph_hcl.augment.draw import edge_lot, random_rank, share
from graph_hcl.augment.edit import Augmentation, Edit
from graph_hcl.errors import UserError
from graph_hcl.registry import Registry

AUGMENTATIONS: Registry[Callable[..., Augmentation]] = Registry("augmentation")
"""Makers of augmentations by the names that `parse` reads."""


@AUGMENTATIONS.register("identity")
@dataclass(frozen=True)
class Identity:
    """Change nothing.

    >>> Identity()(None, None)
    Edit(nodes=None, edges=None, masked=None, added=None)
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the empty edit."""
        return Edit()


@dataclass(frozen=True)
class Share:
    """An augmentation that changes the share `ratio`, 0 ≤ ratio < 1, of something.

    Raises `UserError` for another ratio.

    >>> Share(1.5)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the ratio of Share with 0 <= ratio < 1, but got 1.5.
    """

    ratio: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise UserError(
                f"Expected the ratio of {type(self).__name__} with 0 <= ratio < 1, "
                f"but got {self.ratio}."
            )


@AUGMENTATIONS.register("edge_drop")
class EdgeDrop(Share):
    """Drop each edge with probability `ratio`, both directions of it together.

    Edge perturbation of GraphCL (arXiv 2010.13902, Table 1), edge removal of GRACE
    (arXiv 2006.04131). Directed edges (u, v) and (v, u) share one fate, too.

    >>> from torch_geometric.data import Data
    >>> batch = Batch.from_data_list([Data(torch.ones(2, 1), torch.tensor([[0, 1], [1, 0]]))])
    >>> EdgeDrop(0.5)(batch, torch.Generator().manual_seed(0)).edges
    tensor([True, True])
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the edges [E] that stay."""
        threshold = round(self.ratio * 2**64) - 2**63
        lots = edge_lot(batch.edge_index, batch.num_nodes, generator)
        return Edit(edges=lots >= threshold, paired=True)


@AUGMENTATIONS.register("edge_add")
class EdgeAdd(Share):
    """Add undirected edges between random nodes of a graph: on average `ratio` times its edges.

    Edge perturbation of GraphCL (arXiv 2010.13902, Table 1). Pairs that are edges already or meet
    twice are left out, so dense graphs gain fewer. New edges have edge_attr 0 and edge_weight 1.

    >>> from torch_geometric.data import Data
    >>> path = Data(torch.ones(3, 1), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    >>> edit = EdgeAdd(0.9)(Batch.from_data_list([path]), torch.Generator().manual_seed(2))
    >>> edit.added.shape[0], bool((edit.added < 3).all())
    (2, True)
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the pairs [2, K] that are new."""
        source, device = batch.edge_index[0], batch.x.device
        # An undirected edge is here twice: each of its directions brings half of its share.
        brings = torch.rand(source.shape, generator=generator, device=device) < self.ratio / 2
        graph = batch.batch[source[brings]]
        lots = torch.randint(2**62, (2, len(graph)), generator=generator, device=device)
        return Edit(added=batch.ptr[graph] + lots % batch.ptr.diff()[graph])


@AUGMENTATIONS.register("node_drop")
class NodeDrop(Share):
    """Drop exactly ⌊ratio · n⌋ random nodes of each graph of n nodes, and their edges.

    Node dropping of GraphCL (arXiv 2010.13902, Table 1).

    >>> from torch_geometric.data import Data
    >>> graphs = [Data(torch.ones(n, 1), torch.empty(2, 0, dtype=torch.long)) for n in (1, 4, 5)]
    >>> batch = Batch.from_data_list(graphs)
    >>> stays = NodeDrop(0.5)(batch, torch.Generator().manual_seed(0)).nodes
    >>> torch.bincount(batch.batch[stays])
    tensor([1, 2, 3])
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the nodes [n] that stay."""
        dropped = share(batch.ptr.diff(), self.ratio)
        dropped = dropped.index_select(0, batch.batch)
        return Edit(nodes=random_rank(batch.batch, batch.ptr, generator) >= dropped)


@AUGMENTATIONS.register("feature_mask")
class FeatureMask(Share):
    """Set all features of exactly ⌊ratio · n⌋ random nodes of each graph of n nodes to 0.

    Attribute masking of GraphCL (arXiv 2010.13902, Table 1): rows of x.

    >>> from torch_geometric.data import Data
    >>> batch = Batch.from_data_list([Data(torch.ones(4, 2), torch.empty(2, 0, dtype=torch.long))])
    >>> FeatureMask(0.5)(batch, torch.Generator().manual_seed(0)).masked.sum()
    tensor(2)
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the nodes [n, 1] whose features become 0."""
        count = share(batch.ptr.diff(), self.ratio).index_select(0, batch.batch)
        return Edit(masked=(random_rank(batch.batch, batch.ptr, generator) < count)[:, None])


@AUGMENTATIONS.register("column_mask")
class ColumnMask(Share):
    """Set each feature, with probability `ratio` in each graph, to 0 at all nodes of the graph.

    Masking node features of GRACE (arXiv 2006.04131): columns of x, here drawn per graph.

    >>> from torch_geometric.data import Data
    >>> batch = Batch.from_data_list([Data(torch.ones(2, 3), torch.empty(2, 0, dtype=torch.long))])
    >>> ColumnMask(0.5)(batch, torch.Generator().manual_seed(0)).masked
    tensor([[ True, False,  True],
            [ True, False,  True]])
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the features [n, F] that become 0."""
        shape = (batch.num_graphs, batch.x.shape[1])
        masked = torch.rand(shape, generator=generator, device=batch.x.device) < self.ratio
        return Edit(masked=masked.index_select(0, batch.batch))
