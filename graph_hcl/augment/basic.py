"""Augmentations that drop, add or mask at random, each drawn for all graphs of a batch at once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator
from torch_geometric.data import Batch

from graph_hcl.augment.edges import keep_edges
from graph_hcl.augment.edit import Edit
from graph_hcl.augment.free_pairs import draw_free_pairs
from graph_hcl.augment.nodes import choose_columns, choose_nodes
from graph_hcl.augment.ratio import check_drop_ratio, check_mask_ratio, plain_number
from graph_hcl.data.batch import is_sorted_undirected
from graph_hcl.keywords import names_arguments


@dataclass(frozen=True)
class Identity:
    """Change nothing.

    >>> Identity()(None, None)
    Edit(nodes=None, edges=None, masked=None, masked_edges=None, added=None)
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the empty edit."""
        return Edit()


@names_arguments()
@dataclass(frozen=True)
class RatioAugmentation:
    """An augmentation that changes a fraction `ratio`, 0 ≤ ratio < 1, of something.

    Raises `UserError` for another ratio.

    >>> RatioAugmentation(1.5)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the ratio of RatioAugmentation with 0 <= ratio < 1, but \
got 1.5.
    """

    ratio: float = 0.2

    def __post_init__(self) -> None:
        check_drop_ratio(self.ratio, of=type(self).__name__)
        object.__setattr__(self, "ratio", plain_number(self.ratio))


class EdgeDrop(RatioAugmentation):
    """Drop each edge with probability `ratio`, both directions of it together.

    Edge perturbation of GraphCL (arXiv 2010.13902, Table 1), edge removal of GRACE
    (arXiv 2006.04131). Directed edges (u, v) and (v, u) are dropped together, too, and so are
    repetitions of an edge. The number of edges that are dropped is random.

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> batch = Batch.from_data_list([Data(torch.ones(2, 1), torch.tensor([[0, 1], [1, 0]]))])
    >>> EdgeDrop(0.5)(batch, torch.Generator().manual_seed(0)).edges
    tensor([True, True])
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the edges [E] that stay."""
        edges = keep_edges(batch.edge_index, batch.num_nodes, self.ratio, generator)
        return Edit(edges=edges, paired=True)


class EdgeAdd(RatioAugmentation):
    """Add edges between random nodes that none joins yet: exactly `ratio` times those of a graph.

    Edge perturbation of GraphCL (arXiv 2010.13902, Table 1). A graph of E directed edges, two for
    each undirected one, gains ratio · E / 2 pairs, rounded to the nearest, in both directions; a
    graph that has fewer pairs left gains them all. No self-loop is added, and in directed graphs no
    edge against another. New edges have edge_attr 0 and edge_weight 1. A draw takes one pass, which
    waits for a CUDA device twice, to learn how many draws and pairs there are.

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> path = Data(torch.ones(4, 1), torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]))
    >>> EdgeAdd(0.9)(Batch.from_data_list([path]), torch.Generator().manual_seed(0)).added.shape
    torch.Size([2, 3])
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the pairs [2, K] that are new."""
        pairs = draw_free_pairs(
            batch.edge_index,
            batch.batch,
            batch.ptr,
            self.ratio,
            generator,
            sorted_undirected=is_sorted_undirected(batch),
        )
        return Edit(added=pairs, free=True)


class NodeDrop(RatioAugmentation):
    """Drop exactly ⌊ratio · n⌋ random nodes of each graph of n nodes, and their edges.

    Node dropping of GraphCL (arXiv 2010.13902, Table 1).

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> graphs = [Data(torch.ones(n, 1), torch.empty(2, 0, dtype=torch.long)) for n in (1, 4, 5)]
    >>> batch = Batch.from_data_list(graphs)
    >>> stays = NodeDrop(0.5)(batch, torch.Generator().manual_seed(0)).nodes
    >>> torch.bincount(batch.batch[stays])
    tensor([1, 2, 3])
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the nodes [n] that stay."""
        return Edit(nodes=~choose_nodes(batch.batch, batch.ptr, self.ratio, generator))


class FeatureMask(RatioAugmentation):
    """Set all features of exactly ⌊ratio · n⌋ random nodes of each graph of n nodes to 0.

    Attribute masking of GraphCL (arXiv 2010.13902, Table 1): rows of x.

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> batch = Batch.from_data_list([Data(torch.ones(4, 2), torch.empty(2, 0, dtype=torch.long))])
    >>> FeatureMask(0.5)(batch, torch.Generator().manual_seed(0)).masked.sum()
    tensor(2)
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the nodes [n, 1] whose features become 0."""
        return Edit(masked=choose_nodes(batch.batch, batch.ptr, self.ratio, generator)[:, None])


class ColumnMask(RatioAugmentation):
    """Set each feature, with probability `ratio` in each graph, to 0 at all nodes of the graph.

    Masking node features of GRACE (arXiv 2006.04131): columns of x, here drawn per graph.

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> batch = Batch.from_data_list([Data(torch.ones(2, 3), torch.empty(2, 0, dtype=torch.long))])
    >>> ColumnMask(0.5)(batch, torch.Generator().manual_seed(0)).masked
    tensor([[ True, False,  True],
            [ True, False,  True]])
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the features [n, F] that become 0."""
        count, width = batch.num_graphs, batch.x.shape[1]
        masked = choose_columns(count, width, self.ratio, generator, batch.x.device)
        return Edit(masked=masked.index_select(0, batch.batch))


@names_arguments()
@dataclass(frozen=True)
class EdgeMask:
    """Set edge_attr of each edge to 0 with probability `ratio`, of both directions together.

    Attribute masking of Hu et al. (ICLR 2020), here for edges (bonds), as `FeatureMask` does for
    nodes: zeros are what an unknown category is encoded as, too. edge_weight stays. As with
    `EdgeDrop`, directed edges (u, v) and (v, u) and repetitions of an edge are masked together, and
    the number of masked edges is random. Raises `UserError` unless 0 ≤ ratio ≤ 1; so does `apply`
    for graphs without edge_attr.

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> batch = Batch.from_data_list([Data(torch.ones(3, 1), edges, torch.ones(4, 2))])
    >>> EdgeMask(0.5)(batch, torch.Generator().manual_seed(0)).masked_edges
    tensor([False, False,  True,  True])
    """

    ratio: float = 0.2

    def __post_init__(self) -> None:
        check_mask_ratio(self.ratio, of=type(self).__name__)
        object.__setattr__(self, "ratio", plain_number(self.ratio))

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the edges [E] whose attributes become 0."""
        kept = keep_edges(batch.edge_index, batch.num_nodes, self.ratio, generator)
        return Edit(masked_edges=~kept)
