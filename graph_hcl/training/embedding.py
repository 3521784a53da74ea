"""Embeddings of all graphs of a store by a model that is not trained any further."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from graph_hcl.data import GraphStore
from graph_hcl.nn import ContrastiveNetwork

MAX_GRAPHS = 512
MAX_VALUES = 2**26
"""Largest number of graphs, and of node features (nodes × columns), that are embedded at once."""


@torch.no_grad()
def embed(
    model: ContrastiveNetwork, store: GraphStore, device: torch.device, projected: bool = False
) -> np.ndarray:
    """Return embeddings [G, D] of all graphs, before the projection head, in evaluation mode.

    With `projected`, return the normalised features [G, d] behind the head: those that the
    objective is given.
    """
    network = (model if projected else model.encoder).to(device).eval()
    embeddings = [network(store.batch(indices)).cpu() for indices in _batches(store)]
    return torch.cat(embeddings).double().numpy()


def _batches(store: GraphStore) -> Iterator[Tensor]:
    """Yield the indices of all graphs in order, fewer at a time where graphs are large and wide."""
    size = max(1, min(MAX_GRAPHS, int(MAX_VALUES / store.mean_values)))
    yield from torch.arange(len(store)).split(size)
