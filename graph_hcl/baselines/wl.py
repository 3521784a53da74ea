"""Weisfeiler–Lehman kernels from colour histograms, for all graphs of a store at once."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from graph_hcl.data import GraphStore
from graph_hcl.data.collect import known_store
from graph_hcl.data.vocabulary import Features
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.ranges import Range
from graph_hcl.setting_checks import check_value

FREQUENT = 0.02
"""Fraction of graphs with a colour above which its column is multiplied as a dense one."""


@names_arguments()
def wl_subtree(store: GraphStore, iterations: int) -> list[NDArray[np.float32]]:
    """Return the normalised Weisfeiler–Lehman subtree kernels [G, G] of 0 … `iterations` rounds.

    K_h(a, b) = Σ_{t≤h} ⟨φ_t(a), φ_t(b)⟩, divided by √(K_h(a, a) K_h(b, b)), with φ_t(a) the
    histogram of the colours of a's nodes after t rounds of colour refinement (Shervashidze et al.,
    JMLR 12, 2011, definition 4). Labels of nodes and edges enter as `refine` says, which
    raises the same errors.

    >>> from torch_geometric.data import Data
    >>> edges = torch.tensor([[0, 1, 1, 2, 0, 2], [1, 0, 2, 1, 2, 0]])
    >>> graphs = [Data(torch.ones(3, 1), edges[:, :4]), Data(torch.ones(3, 1), edges)]
    >>> kernels = wl_subtree(GraphStore.from_data(graphs), iterations=1)
    >>> [round(float(kernel[0, 1]), 4) for kernel in kernels]  # 9 / 9; (9 + 3) / √((9 + 5) (9 + 9))
    [1.0, 0.7559]
    """
    store = known_store(store).to("cpu")
    return _kernels([_counts(store, colour) for colour in refine(store, iterations)])


@names_arguments()
def wl_optimal_assignment(store: GraphStore, iterations: int) -> list[NDArray[np.float32]]:
    """Return the normalised optimal-assignment kernels [G, G] of 0 … `iterations` rounds.

    K_h(a, b) = Σ_{t≤h} Σ_c min(φ_t(a)_c, φ_t(b)_c), the histogram intersection of the colours of
    `wl_subtree`: the value of the best one-to-one assignment of nodes, where a pair of nodes
    counts the rounds after which they have the same colour (Kriege, Giscard and Wilson, NIPS 2016,
    section 4.2); normalised.

    >>> from torch_geometric.data import Data
    >>> edges = torch.tensor([[0, 1, 1, 2, 0, 2], [1, 0, 2, 1, 2, 0]])
    >>> graphs = [Data(torch.ones(3, 1), edges[:, :4]), Data(torch.ones(3, 1), edges)]
    >>> kernels = wl_optimal_assignment(GraphStore.from_data(graphs), iterations=1)
    >>> [round(float(kernel[0, 1]), 4) for kernel in kernels]  # 3 / 3; (3 + 1) / √(6 · 6)
    [1.0, 0.6667]
    """
    store = known_store(store).to("cpu")
    return _kernels([_unary(store, colour) for colour in refine(store, iterations)])


@names_arguments()
def refine(store: GraphStore, iterations: int) -> list[Tensor]:
    """Return the colours [N] of all nodes after 0 … `iterations` rounds of refinement.

    Two nodes of any graphs have the same colour after round t if and only if they had the same
    colour before and, over the edges that lead to them, equal multisets of pairs (label of the
    edge, colour of the neighbour); without edge_attr, of the neighbours' colours (Shervashidze et
    al., JMLR 12, 2011). A multiset is represented by the sum of 64-bit hashes, so a round fails
    with a probability of N² / 2⁶⁴. The colours of each round are 0, 1, ….

    The initial colour of a node is its label: the codes of the categorical columns of the store's
    vocabulary, or the whole row of x where no column is categorical. The label of an edge follows
    in the same way from edge_attr. Edge weights do not enter.

    Raises `UserError` for anything but a store of one graph or more, and but 0 rounds or more.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> path = GraphStore(torch.ones(3, 1), edges, torch.tensor([0, 3]), torch.tensor([0, 4]))
    >>> [colour.tolist() for colour in refine(path, 1)[:1]], refine(path, 1)[1].unique().tolist()
    ([[0, 0, 0]], [0, 1])
    """
    store = known_store(store)
    check_value("iterations", iterations, int, Range(0))
    if not len(store):
        raise UserError("Expected one graph or more, but got a store of none.")
    shift = torch.repeat_interleave(store.node_ptr[:-1], store.edge_ptr.diff())
    source, target = store.edge_index + shift
    colours = [_numbered(store.x, store.vocabulary.node)]
    label = None
    if store.edge_attr is not None:
        label = _numbered(store.edge_attr, store.vocabulary.edge)
    for _ in range(iterations):
        colour = colours[-1]
        if label is None:
            message = _hash(colour)[source]
        else:  # the pair as one number, which is the colour itself where all labels are the same
            message = _hash(label * (int(colour.max()) + 1) + colour[source])
        # A node's own colour is hashed as ~colour, a negative number, unlike its neighbours'.
        key = _hash(~colour).index_add_(0, target, message)
        colours.append(key.unique(return_inverse=True)[1])
    return colours


def _numbered(stored: Tensor, features: Features) -> Tensor:
    """Return the label of each node or edge [n] as a number 0, 1, …, equal for equal labels."""
    categories = [k for k, column in enumerate(features.columns) if column.values is not None]
    rows = features.clamped(stored[:, None] if stored.dim() == 1 else stored)
    rows = rows[:, categories] if categories else rows
    number: Tensor = rows.unique(dim=0, return_inverse=True)[1]
    return number


def _hash(z: Tensor) -> Tensor:
    """Return the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) of integers."""
    z = (z + 1) * (0x9E3779B97F4A7C15 - 2**64)
    z = (z ^ _shift(z, 30)) * (0xBF58476D1CE4E5B9 - 2**64)
    z = (z ^ _shift(z, 27)) * (0x94D049BB133111EB - 2**64)
    return z ^ _shift(z, 31)


def _shift(z: Tensor, bits: int) -> Tensor:
    shifted: Tensor = (z >> bits) & (2 ** (64 - bits) - 1)
    return shifted


def _runs(store: GraphStore, colour: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return graph, colour and number of nodes for each colour that occurs in a graph."""
    graph = torch.repeat_interleave(torch.arange(len(store)), store.node_ptr.diff())
    colours = int(colour.max()) + 1
    key, count = (graph * colours + colour).unique(return_counts=True)
    return key // colours, key % colours, count


def _counts(store: GraphStore, colour: Tensor) -> sparse.csr_array:
    """Return φ [G, colours]: the number of nodes of each colour in each graph."""
    graph, column, count = _runs(store, colour)
    return _matrix(count, graph, column, len(store))


def _unary(store: GraphStore, colour: Tensor) -> sparse.csr_array:
    """Return φ with each count c in unary, as c ones: the inner products are Σ min(φ, φ)."""
    graph, column, count = _runs(store, colour)
    largest = torch.zeros(int(column.max()) + 1, dtype=count.dtype)
    largest = largest.scatter_reduce(0, column, count, "amax")
    first = (largest.cumsum(0) - largest)[column]
    ends = count.cumsum(0)
    place = torch.arange(int(ends[-1])) - (ends - count).repeat_interleave(count)
    columns = first.repeat_interleave(count) + place
    return _matrix(torch.ones_like(columns), graph.repeat_interleave(count), columns, len(store))


def _matrix(values: Tensor, rows: Tensor, columns: Tensor, graphs: int) -> sparse.csr_array:
    shape = (graphs, int(columns.max()) + 1)
    parts = (values.float().numpy(), (rows.numpy(), columns.numpy()))
    return sparse.csr_array(parts, shape=shape, dtype=np.float32)


def _kernels(features: list[sparse.csr_array]) -> list[NDArray[np.float32]]:
    """Return the cumulative sums over rounds of F Fᵀ, normalised to a unit diagonal."""
    total = np.zeros((features[0].shape[0],) * 2, dtype=np.float32)
    kernels: list[NDArray[np.float32]] = []
    for counts in features:
        total += _gram(counts)
        root = np.sqrt(total.diagonal())
        kernels.append((total / root[:, None] / root).astype(np.float32, copy=False))
    return kernels


def _gram(features: sparse.csr_array) -> NDArray[np.float32]:
    """Return F Fᵀ: a dense product for frequent columns, a sparse one for the others."""
    by_column = features.tocsc()
    frequent = np.diff(by_column.indptr) > FREQUENT * features.shape[0]
    rare = by_column[:, ~frequent].tocsr()
    gram: NDArray[np.float32] = (rare @ rare.T).toarray()
    dense = by_column[:, np.flatnonzero(frequent)]
    for start in range(0, dense.shape[1], 1024):
        block = dense[:, start : start + 1024].toarray()
        gram += block @ block.T
    return gram
