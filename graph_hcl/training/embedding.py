"""Embeddings of all graphs of a store by a model that is not trained any further."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from graph_hcl.data import GraphStore
from graph_hcl.keywords import names_arguments
from graph_hcl.nn import ContrastiveModel, ContrastiveNetwork
from graph_hcl.nn.evaluating import evaluating
from graph_hcl.setting_checks import check_setting
from graph_hcl.training.batches import cut
from graph_hcl.training.finite import check_embeddings, check_weights
from graph_hcl.training.inputs import as_device, check_network, stored_on

MAX_GRAPHS = 512
"""Largest number of graphs that are embedded at once."""
MAX_NODES = 2**19
"""Largest number of nodes that are embedded at once, in more than one graph: those of 512 graphs
of REDDIT-MULTI-5K, and about half a gigabyte by a network of width 32."""
MAX_EDGES = 2**20
"""Largest number of edges, each counted in both directions, that are embedded at once, in more than
one graph: two to three gigabytes by a network of width 32 whose messages are those of edges, as
those of pna are."""
MAX_VALUES = 2**26
"""Largest number of node features (nodes × columns) that are embedded at once."""


@names_arguments()
@torch.no_grad()
def embed(
    model: ContrastiveNetwork,
    store: GraphStore,
    device: torch.device | str,
    projected: bool = False,
    *,
    max_nodes: int | None = None,
) -> np.ndarray:
    """Return embeddings [G, D] of all graphs, before the projection head, in evaluation mode.

    Args:
        model: a trained model.
        store: the graphs, with the columns that the model was trained with.
        device: where it is computed; the store is moved there.
        projected: returns the normalised features [G, d] behind the head instead: those that the
            objective is given.
        max_nodes: most nodes that are embedded at once, by default `MAX_NODES` or fewer where their
            features are wide; a graph with more is embedded alone. Edges are bounded by
            `MAX_EDGES`. The bounds change embeddings by rounding only.

    Raises `UserError` for anything but a model with an encoder and a store, for a device that is
    not available, for a `max_nodes` below 1, and for embeddings that are not finite.

    >>> from graph_hcl.data import load
    >>> from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
    >>> store = load("digits")[:4]
    >>> encoder = GraphEncoder(make_backbone("gin", store.num_features, 8, 2), 16)
    >>> embed(ContrastiveModel(encoder), store, torch.device("cpu")).shape
    (4, 16)
    """
    check_network(model)
    device = as_device(device)
    store = stored_on(store, device)
    network = (model if projected else model.encoder).to(device)
    parts = list(embedding_batches(store, max_nodes)) or [torch.arange(0)]  # [0, D] of no graphs
    check_weights(model.encoder, store)
    with evaluating(network):
        found = torch.cat([network(store.batch(part)).cpu() for part in parts])
    embeddings = found.double().numpy()
    check_embeddings(np.isfinite(embeddings).all(axis=tuple(range(1, embeddings.ndim))))
    return embeddings


@names_arguments()
@torch.no_grad()
def embed_nodes(
    model: ContrastiveModel,
    store: GraphStore,
    device: torch.device | str,
    *,
    max_nodes: int | None = None,
) -> list[np.ndarray]:
    """Return the embeddings of the nodes of each graph, matrices [nodes, D], in evaluation mode.

    Args:
        model: a trained model.
        store: the graphs.
        device: where it is computed; the store is moved there.
        max_nodes: that of `embed`.

    Raises `UserError` as `embed` does.

    >>> from graph_hcl.data import load
    >>> from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
    >>> store = load("digits")[:2]
    >>> encoder = GraphEncoder(make_backbone("gin", store.num_features, 8, 2), 16)
    >>> [x.shape for x in embed_nodes(ContrastiveModel(encoder), store, torch.device("cpu"))]
    [(35, 16), (30, 16)]
    """
    check_network(model, "nodes")
    device = as_device(device)
    store = stored_on(store, device)
    encoder = model.encoder.to(device)
    check_weights(encoder, store)
    nodes: list[np.ndarray] = []
    with evaluating(encoder):
        for part in embedding_batches(store, max_nodes):
            batch = store.batch(part)
            sizes = batch.ptr.diff().tolist()
            nodes += [one.cpu().double().numpy() for one in encoder.nodes(batch).split(sizes)]
    check_embeddings(np.array([np.isfinite(one).all() for one in nodes], dtype=bool))
    return nodes


def embedding_batches(store: GraphStore, max_nodes: int | None = None) -> Iterator[Tensor]:
    """Yield the numbers of all graphs in order, those that are embedded at once together.

    >>> from torch_geometric.data import Data
    >>> edges = torch.empty(2, 0, dtype=torch.long)
    >>> store = GraphStore.from_data([Data(torch.ones(n, 1), edges) for n in (2, 2, 9, 1)])
    >>> [part.tolist() for part in embedding_batches(store, max_nodes=4)]
    [[0, 1], [2], [3]]
    """
    check_setting("max_nodes", max_nodes)
    values = max(1, store.num_features)
    most = min(MAX_NODES, MAX_VALUES // values) if max_nodes is None else max_nodes
    nodes, edges = (sizes.tolist() for sizes in store.sizes_on_host)
    shares = [max(n * MAX_EDGES, m * most) for n, m in zip(nodes, edges, strict=True)]
    yield from torch.arange(len(store)).split(cut(shares, MAX_GRAPHS, most * MAX_EDGES))
