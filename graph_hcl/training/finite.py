"""Embeddings are finite: weights that a backbone cannot read, and a check of what comes out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.nn.evaluating import evaluating


class EmbeddingsNotFinite(UserError):
    """Embeddings that hold NaN or infinity.

    >>> issubclass(EmbeddingsNotFinite, ValueError)
    True
    """


def check_weights(encoder: nn.Module, store: GraphStore, chosen: Tensor | None = None) -> None:
    """Raise `UserError` for negative edge weights of which the encoder makes NaN.

    A GCN divides by roots of sums of weights. Whether an encoder does such a thing is tried on one
    graph, and only where some weight of the `chosen` graphs [K], or of all, is negative.

    >>> from torch_geometric.data import Data
    >>> from graph_hcl.nn import GraphEncoder, make_backbone
    >>> x, edges = torch.ones(2, 1), torch.tensor([[0, 1], [1, 0]])
    >>> graph = Data(x=x, edge_index=edges, edge_weight=torch.tensor([1.0, -1.0]))
    >>> encoders = [GraphEncoder(make_backbone(name, 1, 4, 1), 4) for name in ("graphsage", "gcn")]
    >>> check_weights(encoders[0], GraphStore.from_data([graph]))
    >>> check_weights(encoders[1], GraphStore.from_data([graph]))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected edge weights of 0 or more for GCN, which makes NaN of \
negative ones, as by a root of their sum, but graph 0 has -1: take a backbone that can read them, \
such as graphsage, or leave the weights out.
    """
    if store.edge_weight is None or "edge_weight" not in getattr(encoder, "reads", ()):
        return
    edges = (store.edge_weight < 0).nonzero().squeeze(1)
    graphs = torch.searchsorted(store.edge_ptr, edges, right=True) - 1
    if chosen is not None:
        kept = torch.isin(graphs, chosen.to(graphs.device))
        edges, graphs = edges[kept], graphs[kept]
    if not len(edges) or not _breaks(encoder, store, int(graphs[0])):
        return
    raise UserError(
        f"Expected edge weights of 0 or more for {type(encoder.backbone).__name__}, which makes "
        f"NaN of negative ones, as by a root of their sum, but graph {int(graphs[0])} has "
        f"{float(store.edge_weight[edges[0]]):g}: take a backbone that can read them, such as "
        "graphsage, or leave the weights out."
    )


def _breaks(encoder: nn.Module, store: GraphStore, number: int) -> bool:
    """Tell whether a graph's embedding is finite with weights of 1, and not with negative ones."""
    batch = store.batch([number])
    finite = []
    with evaluating(encoder):
        for weight in (1.0, -3.0):
            batch.edge_weight = torch.full_like(batch.edge_weight, weight)
            finite.append(bool(encoder(batch).isfinite().all()))
    return finite == [True, False]


def check_embeddings(finite: NDArray[np.bool_]) -> None:
    """Raise `EmbeddingsNotFinite` unless the embedding of each graph is finite [G].

    >>> check_embeddings(np.array([True, False]))
    Traceback (most recent call last):
    graph_hcl.training.finite.EmbeddingsNotFinite: Expected finite embeddings, but those of 1 of 2 \
graphs, graph 1 first, hold NaN or infinity: look for attributes or edge weights that are far from \
those of training.
    """
    wrong = np.flatnonzero(~finite)
    if len(wrong):
        raise EmbeddingsNotFinite(
            f"Expected finite embeddings, but those of {len(wrong):,} of {len(finite):,} graphs, "
            f"graph {wrong[0]} first, hold NaN or infinity: look for attributes or edge weights "
            "that are far from those of training."
        )
