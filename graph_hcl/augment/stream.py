"""Views of batches: drawn for several batches at once, and given batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.augment.edit import Augmentation, view
from graph_hcl.data.batch import concat, is_sorted_undirected, select
from graph_hcl.data.store import GraphStore

AT_ONCE = 2**18
"""Nodes and edges of the views that are drawn at a time, where a batch has fewer: the more, the
less the calls cost, and the less of it all stays in a cache."""
VALUES_AT_ONCE = 2**24
"""Values of x of the views that are drawn at a time: 64 MB, which wide features reach sooner."""


def views(
    augmentations: Sequence[Augmentation], together: bool = True
) -> Callable[[GraphStore, Sequence[Tensor], Generator], Iterator[list[Batch]]]:
    """Return the function that draws views of batches of a store, one by each augmentation.

    It is called with the store, the graphs of each batch and a generator, and yields a list for
    each batch. `together` gives the views of a batch as one batch, the first view's graphs first:
    the encoder runs once, and batch normalisation sees all views alike, as in SimCLR. Views of
    several small batches are drawn at once, and with them those by equal augmentations.

    >>> from torch_geometric.data import Data
    >>> from graph_hcl.augment import Edit
    >>> edges, parts = torch.tensor([[0, 1], [1, 0]]), torch.arange(4).split(2)
    >>> graphs = [Data(torch.ones(2, 1), edges) for _ in range(4)]
    >>> same = lambda batch, generator: Edit()
    >>> draw = views([same, same])
    >>> for (batch,) in draw(GraphStore.from_data(graphs), parts, torch.Generator()):
    ...     print(batch)
    DataBatch(x=[8, 1], edge_index=[2, 8], batch=[8], ptr=[5])
    DataBatch(x=[8, 1], edge_index=[2, 8], batch=[8], ptr=[5])
    """
    count, draws = len(augmentations), [view(augmentation) for augmentation in augmentations]
    alike = together and all(each == augmentations[0] for each in augmentations)

    def draw(
        store: GraphStore, parts: Sequence[Tensor], generator: Generator
    ) -> Iterator[list[Batch]]:
        for group in _groups(store, parts, count):
            if alike:
                several = [part.repeat(count) for part in group]
                drawn = draws[0](store.batch(torch.cat(several)), generator)
                yield from ([batch] for batch in split(drawn, list(map(len, several))))
            else:
                batch, sizes = store.batch(torch.cat(group)), list(map(len, group))
                apart = [split(each(batch, generator), sizes) for each in draws]
                for some in zip(*apart, strict=True):
                    yield [concat(some)] if together else list(some)

    return draw


def _groups(store: GraphStore, parts: Sequence[Tensor], count: int) -> Iterator[list[Tensor]]:
    """Yield the parts in runs of which `count` views have about the size that is drawn at once."""
    graphs = count * max([1, *map(len, parts)])
    sizes = [AT_ONCE / (graphs * store.mean_size), VALUES_AT_ONCE / (graphs * store.mean_values)]
    run = max(1, int(min(sizes)))
    for start in range(0, len(parts), run):
        yield list(parts[start : start + run])


def split(batch: Batch, sizes: Sequence[int]) -> list[Batch]:
    """Return the batches of the first `sizes[0]` graphs, of the next `sizes[1]`, and so on.

    Carries all fields of `levels`. Raises `ValueError` unless the sizes sum up
    to the number of graphs.

    >>> from torch_geometric.data import Data
    >>> edge = Data(torch.ones(2, 1), torch.tensor([[0, 1], [1, 0]]))
    >>> one, two = split(Batch.from_data_list([edge] * 3), [2, 1])
    >>> one.edge_index.tolist(), two.edge_index.tolist(), two.ptr.tolist()
    ([[0, 1, 2, 3], [1, 0, 3, 2]], [[0, 1], [1, 0]], [0, 2])
    """
    graphs = list(accumulate(sizes, initial=0))
    if graphs[-1] != batch.num_graphs:
        raise ValueError(f"Expected sizes of {batch.num_graphs} graphs, but got {graphs[-1]}.")
    if len(sizes) == 1:
        return [batch]
    mirrored = is_sorted_undirected(batch)
    bounds = batch.ptr[torch.tensor(graphs, device=batch.ptr.device)]
    if mirrored:
        starts = torch.searchsorted(batch.edge_index[0], bounds)
    else:  # new edges, for one, stand behind all others
        source = batch.edge_index[0]
        part, order = torch.bucketize(source, bounds[1:], right=True).sort(stable=True)
        starts = torch.searchsorted(part, torch.arange(len(graphs), device=part.device))
        batch = select(batch, edges=order)
    nodes, edges = torch.stack([bounds, starts]).tolist()
    cuts = zip(pairwise(nodes), pairwise(edges), pairwise(graphs), strict=True)
    return [
        select(batch, *(slice(*cut) for cut in each), sorted_undirected=mirrored) for each in cuts
    ]
