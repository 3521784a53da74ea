"""Evaluation mode, and a check that a graph's embedding does not depend on its batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import global_add_pool, global_max_pool, global_mean_pool

from graph_hcl.data.batch import select_graphs
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments

POOLINGS = (global_add_pool, global_mean_pool, global_max_pool)
"""The read-outs of this package, which act on each column alone."""
MAX_GRAPHS = 4
"""Most graphs that `check_independent` embeds alone."""
MAX_GRAPHS_OF_READOUT = 32
"""Most graphs for a read-out of the user's, which may order nodes by values that are equal."""
TOLERANCE = 1e-3
"""Largest difference that is taken for rounding, relative to the largest value."""


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode without gradients; restore modes and random state after.

    >>> net = nn.Sequential(nn.Dropout().eval(), nn.Dropout())
    >>> with evaluating(net):
    ...     net[1].training
    False
    >>> net[0].training, net[1].training
    (False, True)
    """
    modes = [(each, each.training) for each in module.modules()]
    devices = {p.device for p in module.parameters() if p.is_cuda}
    with torch.random.fork_rng(devices=list(devices)), torch.no_grad():
        module.eval()
        try:
            yield
        finally:
            for each, training in modes:
                each.training = training


@names_arguments()
def check_independent(encoder: nn.Module, batch: Any) -> None:
    """Raise `UserError` unless the embedding of a graph is the same alone as in its batch.

    Up to four graphs of the batch, or 32 with a read-out that is not of this package, are embedded
    alone, all together, and among all others, in evaluation mode; the encoder is left unchanged. A
    read-out is named where it alone depends on the batch. Graphs with equal statistics, such as
    identical ones, cannot reveal a mean over the batch. A network that is random in evaluation
    mode is refused as well.

    >>> from torch_geometric.data import Batch, Data
    >>> from graph_hcl.nn import GraphEncoder
    >>> class Centred(nn.Module):
    ...     def forward(self, x, edge_index):
    ...         return x - x.mean(0)
    >>> graphs = [Data(torch.full((2, 1), float(n)), torch.tensor([[0], [1]])) for n in range(3)]
    >>> check_independent(GraphEncoder(Centred(), 1), Batch.from_data_list(graphs))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected the embedding of a graph not to depend on its batch, but \
Centred embeds graph 0 alone 100 % away from graph 0 in a batch: take `batch`, the graph of each \
node, in its forward, and keep the graphs apart by it.
    """
    count, most = batch.num_graphs, most_graphs(encoder)
    which = torch.linspace(0, count - 1, min(most, count), device=batch.batch.device)
    which = which.round().long().unique()
    one_of = torch.arange(count, device=which.device)[:, None] == which
    name = type(getattr(encoder, "backbone", encoder)).__name__
    with evaluating(encoder):
        whole = encoder(batch)[which]
        some = encoder(select_graphs(batch, one_of.any(1))[0])
        for place, number in enumerate(which.tolist()):
            single = select_graphs(batch, one_of[:, place])[0]
            alone = encoder(single)[0]
            if difference(alone, encoder(single)[0]) > TOLERANCE:
                raise UserError(
                    f"Expected the same embedding of a graph each time in evaluation mode, but "
                    f"{name} embeds graph {number} at random: draw random numbers in training only."
                )
            for together in (whole[place], some[place]):
                share = difference(alone, together)
                if share > TOLERANCE:
                    advice = (
                        "take `batch`, the graph of each node, in its forward, and keep the graphs "
                        "apart by it"
                    )
                    if _has_same_nodes(encoder, batch, single, number):
                        name = f"the read-out {_name(encoder.readout)}"
                        advice = "take one that depends on the nodes of each graph alone"
                    raise UserError(
                        "Expected the embedding of a graph not to depend on its batch, but "
                        f"{name} embeds graph {number} alone {100 * share:.3g} % away from graph "
                        f"{number} in a batch: {advice}."
                    )


def most_graphs(encoder: nn.Module) -> int:
    """Return how many graphs of a batch `check_independent` embeds alone at most.

    >>> most_graphs(nn.Identity())
    4
    """
    own = getattr(encoder, "readout", POOLINGS[0]) in POOLINGS
    return MAX_GRAPHS if own else MAX_GRAPHS_OF_READOUT


def _has_same_nodes(encoder: Any, batch: Any, single: Any, number: int) -> bool:
    """Tell whether an encoder embeds the nodes of a graph alone as it does in a batch."""
    if not hasattr(encoder, "nodes"):
        return False
    together = encoder.nodes(batch)[batch.batch == number]
    return difference(encoder.nodes(single), together) <= TOLERANCE


def _name(readout: Any) -> str:
    return getattr(readout, "__name__", type(readout).__name__)


def difference(a: Tensor, b: Tensor) -> float:
    """Return the largest difference over the largest value; 1 if only one is not finite.

    >>> difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    0.5
    """
    if not torch.equal(a.isfinite(), b.isfinite()):
        return 1.0
    a, b = (torch.nan_to_num(each.double()) for each in (a, b))
    largest = torch.stack([a, b]).abs().max()
    return float((a - b).abs().max() / largest) if largest > 0 else 0.0
