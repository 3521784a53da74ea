"""Baselines by name: features and kernels of graphs that need no training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graph_hcl.baselines.wl import wl_optimal_assignment, wl_subtree
from graph_hcl.data import GraphStore
from graph_hcl.data.collect import known_store
from graph_hcl.keywords import names_arguments
from graph_hcl.probes import PROBES, Probe, kernel_svm

ROUNDS = (1, 3, 5)
"""Rounds of colour refinement that each fold selects from, together with C."""


@names_arguments()
@dataclass(frozen=True)
class Baseline:
    """Embeddings of all graphs, and the probe to evaluate them with.

    Args:
        embeddings: embeddings [G, D] of all graphs; a kernel has none, [G, 0].
        probe: what to evaluate them with, such as one that holds the kernel matrices; None takes
            any.

    >>> Baseline(np.zeros((3, 2))).embeddings.shape
    (3, 2)
    """

    embeddings: NDArray[np.floating[Any]]
    probe: Probe | None = None


def bag(store: GraphStore) -> NDArray[np.float64]:
    """Return the sum of each graph's node features [G, F]: the number of nodes with each label.

    >>> from graph_hcl.data import load
    >>> bag(load("MUTAG"))[0]  # 14 carbon, 1 nitrogen and 2 oxygen atoms
    array([14.,  1.,  2.,  0.,  0.,  0.,  0.])

    Raises `UserError` for anything but a store.
    """
    store = known_store(store)
    graph = torch.repeat_interleave(store.node_ptr.diff())
    x = store.vocabulary.node.encode(store.x)
    sums = x.new_zeros(len(store), store.num_features).index_add_(0, graph, x)
    return sums.cpu().double().numpy()


def majority_baseline(store: GraphStore) -> Baseline:
    """Return constant embeddings, and the probe that predicts the most frequent class."""
    return Baseline(np.zeros((len(store), 1)), PROBES.get("majority"))


def bag_baseline(store: GraphStore) -> Baseline:
    """Return the bag of node labels, or of degrees for a data set without labels."""
    return Baseline(bag(store))


def wl_subtree_baseline(store: GraphStore) -> Baseline:
    """Return the Weisfeiler–Lehman subtree kernel; its rounds are selected from `ROUNDS`."""
    return _kernel(wl_subtree(store, max(ROUNDS)))


def wl_oa_baseline(store: GraphStore) -> Baseline:
    """Return the Weisfeiler–Lehman optimal-assignment kernel, selected from the same rounds."""
    return _kernel(wl_optimal_assignment(store, max(ROUNDS)))


def _kernel(grams: list[NDArray[np.float32]]) -> Baseline:
    selected = [grams[rounds] for rounds in ROUNDS]
    return Baseline(np.empty((len(grams[0]), 0)), kernel_svm(*selected))
