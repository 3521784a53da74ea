"""Batches of few different shapes: nodes and edges of one more graph are added behind the others.

The added graph is isolated, so that nothing passes between it and the others, and its row is cut
off. Statistics over all nodes of a batch, which batch normalisation takes, leave it out inside
`over_real`.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from graph_hcl.data.batch import append_rows, is_sorted_undirected, make_batch
from graph_hcl.data.levels import EDGE, GRAPH, levels
from graph_hcl.errors import UserError
from graph_hcl.nn import ContrastiveNetwork
from graph_hcl.nn.evaluating import TOLERANCE, difference, evaluating
from graph_hcl.nn.over_real import over_real
from graph_hcl.nn.unmodified import is_unmodified

LEAST = 16
"""Nodes and edges of the smallest shape."""
PER_DOUBLING = 4
"""Sizes between a number and its double: a shape has at most 19 % more than is needed."""


def rung(count: int) -> int:
    """Return the least of a ladder of even sizes, 2^(k/4) rounded up, that is not below `count`.

    >>> [rung(count) for count in (0, 16, 17, 100, 1000)]
    [16, 16, 20, 108, 1024]
    """
    step = 0
    while (size := 2 * -int(-LEAST * 2 ** (step / PER_DOUBLING) // 2)) < count:
        step += 1
    return size


def padded_shape(batch: Batch) -> tuple[int, int]:
    """Return the numbers of nodes and edges that a batch is padded to; they are never equal.

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> padded_shape(Batch(x=torch.ones(15, 1), edge_index=edges))
    (20, 16)
    """
    nodes, edges = rung(batch.num_nodes + 2), rung(batch.edge_index.shape[1])
    return nodes, edges + 2 if edges == nodes else edges


def pad(batch: Batch, nodes: int, edges: int) -> Batch:
    """Return a batch with one more graph, so that it has so many nodes and edges.

    The added graph has two nodes or more, and zeros in all fields. Its edges join pairs of its
    nodes, in both directions where their number is even, so that a batch known to be sorted and
    undirected stays so. Fields of graphs, which no encoder reads, are left out.

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> batch = Batch(x=torch.ones(2, 1), edge_index=edges, ptr=torch.tensor([0, 2]))
    >>> batch.batch = torch.tensor([0, 0])
    >>> padded = pad(batch, 4, 6)
    >>> padded.edge_index.tolist(), padded.ptr.tolist(), padded.batch.tolist()
    ([[0, 1, 2, 2, 3, 3], [1, 0, 3, 3, 2, 2]], [0, 2, 4], [0, 0, 1, 1])
    """
    n, graphs = batch.num_nodes, batch.num_graphs
    more, new = nodes - n, edges - batch.edge_index.shape[1]
    fields = {
        name: append_rows(batch[name], new if level == EDGE else more, 0)
        for name, level in levels(batch).items()
        if level != GRAPH
    }
    added = _pairs_of_edges(more, new, batch.edge_index.device) + n
    return make_batch(
        graphs + 1,
        is_sorted_undirected(batch) and new % 2 == 0,
        edge_index=torch.cat([batch.edge_index, added], dim=1),
        batch=append_rows(batch.batch, more, graphs),
        ptr=append_rows(batch.ptr, 1, nodes),
        **fields,
    )


def _pairs_of_edges(nodes: int, count: int, device: torch.device) -> Tensor:
    """Return edges [2, count] that join the nodes 0 and 1, 2 and 3, …, sorted, evenly many each."""
    number = torch.arange(-(-count // 2), device=device)
    first = 2 * (number * (nodes // 2) // max(1, len(number)))
    source = torch.cat([first, (first + 1)[: count // 2]]).sort().values
    return torch.stack([source, source ^ 1])


def real_rows(batch: Batch, nodes: int, edges: int) -> dict[int, Tensor]:
    """Return how many rows [] are real in tensors of so many padded nodes, and edges.

    >>> batch = Batch(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]))
    >>> real_rows(batch, 20, 16)
    {20: tensor(2), 16: tensor(2)}
    """
    device, sizes = batch.edge_index.device, (batch.num_nodes, batch.edge_index.shape[1])
    counts = (torch.full((), size, device=device) for size in sizes)
    return dict(zip((nodes, edges), counts, strict=True))


def check_padding(model: ContrastiveNetwork, batch: Batch) -> None:
    """Raise `UserError` unless padding leaves the features of a batch as they are, to rounding.

    A copy of the model computes both, without dropout, and with batch normalisation as in training.

    >>> from torch_geometric.data import Data
    >>> from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
    >>> graph = Data(x=torch.ones(3, 2), edge_index=torch.tensor([[0, 1], [1, 0]]))
    >>> encoder = GraphEncoder(make_backbone("gin", 2, 8, 1), 8)
    >>> check_padding(ContrastiveModel(encoder), Batch.from_data_list([graph, graph]))
    """
    encoder: Any = model.encoder
    name = type(getattr(encoder, "backbone", encoder)).__name__
    if not is_unmodified(model):
        raise UserError(
            f"Expected a network without hooks with --cuda-graphs, but {name} has some, which a "
            "step that is repeated on the device would not call: leave --cuda-graphs out."
        )
    nodes, edges = padded_shape(batch)
    with evaluating(model):
        probe = copy.deepcopy(model)  # draws random numbers with PyG 2.6
        for module in probe.modules():
            module.training = isinstance(module, nn.modules.batchnorm._BatchNorm)
        plain = probe(batch)
        with over_real(probe, real_rows(batch, nodes, edges)):
            share = difference(plain, probe(pad(batch, nodes, edges))[:-1])
    if share > TOLERANCE:
        raise UserError(
            "Expected features of graphs that stay the same beside one more graph with "
            f"--cuda-graphs, which adds one to each batch, but those of {name} change by "
            f"{100 * share:.3g} %: leave --cuda-graphs out."
        )
