"""All graphs of a data set in a few flat tensors, from which a batch takes a few gathers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import EllipsisType
from typing import Any, overload

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from graph_hcl.data import adapt, store_file
from graph_hcl.data.concat_stores import concat
from graph_hcl.data.gather import batch_of, one_graph, some_graphs
from graph_hcl.data.indexing import (
    Indices,
    as_number,
    is_sorted_both_ways,
    lacks_reverse,
    positions,
)
from graph_hcl.data.levels import LEVELS
from graph_hcl.data.meaning import Meaning
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.keywords import check_keywords

TENSORS = ("x", "edge_index", "node_ptr", "edge_ptr", *(name for name in LEVELS if name != "x"))


@dataclass(frozen=True, eq=False)
class GraphStore:
    """Graphs concatenated in contiguous tensors on one device.

    A store holds categories as positions among their values, while its graphs and batches have them
    one-hot, and quantities scaled. Made by `load`, `as_store` and the class's own `from_…` methods.

    Indexing works as for PyG's data sets: `store[3]` is a `Data`; a slice, a mask or a list of
    numbers selects a store. `store.batch(indices)` is a PyG `Batch` equal to `Batch.from_data_list`
    of the same graphs, without a loop over them. These, and views of them, carry what their columns
    and classes mean, so that they make the store again until they are edited (see `from_data`);
    batches that PyG collates do not.

    Attributes:
        x: node features [N, columns], or categories as positions among their values.
        edge_index: edges [2, E] with node numbers local to their graph.
        node_ptr: boundaries [G + 1] of the graphs among the nodes.
        edge_ptr: boundaries [G + 1] of the graphs among the edges.
        edge_attr: edge features [E, columns].
        edge_weight: edge weights [E].
        pos: positions [N, …] of the nodes.
        y: targets [G, …]: codes of classes, real values, or several tasks with NaN where one is
            missing.
        vocabulary: the meaning of the columns of x and edge_attr.
        classes: names of the values of y, if these are codes.
        tasks: names of the columns of y, or of the one real target.
        ids: names of the graphs.
        groups: names of the graphs' groups, such as scaffolds, which no split divides.
        unused: descriptions of what the source has but the store has not.
        sha256: identifies the raw data.
        name: name of the data set that `load` took it from, whose card may have settings for it.

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> store = GraphStore.from_data([Data(x=torch.ones(n, 4), edge_index=edges) for n in (2, 3)])
    >>> store[0], len(store[1:])
    (Data(x=[2, 4], edge_index=[2, 2]), 1)
    >>> store.batch([1, 0])
    DataBatch(x=[5, 4], edge_index=[2, 4], batch=[5], ptr=[3])
    """

    x: Tensor
    edge_index: Tensor
    node_ptr: Tensor
    edge_ptr: Tensor
    edge_attr: Tensor | None = None
    edge_weight: Tensor | None = None
    pos: Tensor | None = None
    y: Tensor | None = None
    vocabulary: Vocabulary = None  # type: ignore[assignment]
    classes: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    ids: list[str] | None = None
    groups: list[str] | None = None
    unused: tuple[str, ...] = ()
    sha256: str = ""
    name: str = ""

    def __new__(cls, *args: Any, **kwargs: Any) -> GraphStore:  # noqa: D102
        if args and not isinstance(args[0], Tensor):
            raise UserError(
                f"Expected the tensors of a store, but got {type(args[0]).__name__}: make one of "
                "graphs with as_store, GraphStore.from_data or GraphStore.from_networkx."
            )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        if self.vocabulary is None:
            edges = 0 if self.edge_attr is None else (*self.edge_attr.shape, 1)[1]
            plain = Features.quantities(edges, "edge_attr") if edges else Features()
            vocabulary = Vocabulary(Features.quantities(self.x.shape[1]), plain)
            object.__setattr__(self, "vocabulary", vocabulary)

    def __len__(self) -> int:
        return len(self.node_ptr) - 1

    def __repr__(self) -> str:
        more = "".join(f", {name}" for name in self.tensors() if name in {*LEVELS} - {"x"})
        return (
            f"GraphStore({len(self)} graphs, {self.num_features} node features, "
            f"{int(self.edge_ptr[-1])} edges{more})"
        )

    @property
    def shape(self) -> tuple[int]:
        """Number of graphs, as that of an array [G]: scikit-learn then selects stores of a store.

        >>> from sklearn.model_selection import train_test_split
        >>> from graph_hcl.data import load
        >>> train_test_split(load("MUTAG"), random_state=0)[1]
        GraphStore(47 graphs, 7 node features, 1826 edges, edge_attr, y)
        """
        return (len(self),)

    @property
    def num_features(self) -> int:
        """Number of node features F of a graph or batch."""
        return self.vocabulary.node.width

    @property
    def num_node_features(self) -> int:
        """The same under PyG's name."""
        return self.num_features

    @property
    def num_edge_features(self) -> int:
        """Number of edge features of a graph or batch; 0 without edge_attr."""
        return 0 if self.edge_attr is None else self.vocabulary.edge.width

    @property
    def num_classes(self) -> int:
        """Number of distinct class labels; 0 if y is None or holds other targets."""
        return (
            0 if self.y is None or not self.has_classes else len(self.y[~self.y.isnan()].unique())
        )

    @property
    def has_classes(self) -> bool:
        """Whether y [G] holds classes: positions in `classes`, or whole numbers of any type.

        It may be NaN where a graph has none. A real target with whole values is one of `tasks`.
        """
        if self.y is None or self.y.dim() != 1 or self.tasks:
            return False
        known = self.y[~self.y.isnan()]
        return bool(self.classes) or bool((known == known.round()).all())

    @property
    def class_labels(self) -> Tensor | None:
        """The classes [G] as integers if every graph has one, else None."""
        if self.y is None or not self.has_classes or self.y.isnan().any():
            return None
        return self.y.long()

    @cached_property
    def mean_size(self) -> float:
        """Mean number of nodes and edges per graph."""
        return (len(self.x) + self.edge_index.shape[1]) / max(1, len(self))

    @cached_property
    def mean_values(self) -> float:
        """Mean number of encoded feature values, nodes × F, per graph."""
        return max(1.0, self.num_features * len(self.x) / max(1, len(self)))

    @cached_property
    def is_sorted_undirected(self) -> bool:
        """Whether edges are sorted by source, in both directions each, and no self-loops.

        Sums over neighbours are faster then; augmentations preserve it.
        """
        return is_sorted_both_ways(self.edge_index + self._shift(), int(self.node_ptr[-1]))

    @cached_property
    def one_way(self) -> int:
        """Number of edges without a reverse edge."""
        if self.is_sorted_undirected:
            return 0
        return int(lacks_reverse(self.edge_index + self._shift(), int(self.node_ptr[-1])).sum())

    def _shift(self) -> Tensor:
        """Return the first node of each edge's graph [E], which makes local node numbers global."""
        return torch.repeat_interleave(self.node_ptr[:-1], self.edge_ptr.diff())

    def degree(self) -> Tensor:
        """Return the out-degree of each node [N]."""
        source = self.edge_index[0] + self._shift()
        return torch.bincount(source, minlength=int(self.node_ptr[-1]))

    def to(self, device: torch.device | str | int) -> GraphStore:
        """Return the store with all tensors on `device`: itself where they are there.

        Raises `UserError` for what is no device, such as a dtype: those of a store are its own.
        """
        try:
            place = torch.device(device)
        except (TypeError, RuntimeError) as error:
            raise UserError(
                f"Expected a device, such as cpu or cuda, but got {device!r:.60}."
            ) from error
        moved = {name: tensor.to(place) for name, tensor in self.tensors().items()}
        if all(moved[name] is tensor for name, tensor in self.tensors().items()):
            return self
        return replace(self, **moved)._edges_as_in(self)  # type: ignore[arg-type]

    def _edges_as_in(self, other: GraphStore) -> GraphStore:
        """Return self after copying `is_sorted_undirected`, which takes a sort of all edges."""
        self.__dict__["is_sorted_undirected"] = other.is_sorted_undirected
        return self

    def with_vocabulary(self, wanted: Vocabulary) -> GraphStore:
        """Return the store with its features in the vocabulary of a trained encoder.

        See `translate` for matching and errors. Edge features are left out with a warning if
        `wanted` has none; node degrees are computed if it has them.

        >>> import networkx
        >>> few, many = ([networkx.star_graph(n)] for n in (2, 5))
        >>> vocabulary = GraphStore.from_networkx(few).vocabulary
        >>> import warnings; warnings.simplefilter("ignore")  # the degree 5 is unknown
        >>> GraphStore.from_networkx(many).with_vocabulary(vocabulary)[0].x[:2]
        tensor([[0., 0., 0.],
                [0., 1., 0.]])
        """
        return adapt.with_vocabulary(self, wanted)

    def fitted(self, indices: Indices, standardize: bool = True) -> GraphStore:
        """Return the store with its vocabulary as an encoder trained on `indices` knows it.

        Quantities are standardised by the statistics of these graphs, if `standardize`, and values
        of categories that none of them has are marked as absent.

        >>> edges = torch.empty(2, 0, dtype=torch.long)
        >>> graphs = [Data(x=torch.tensor([[v], [v + 2.0]]), edge_index=edges) for v in (1.0, 9.0)]
        >>> GraphStore.from_data(graphs).fitted([0])[1].x.flatten()
        tensor([7., 9.])
        """
        return adapt.fitted(self, positions(indices, len(self), self.x.device), standardize)

    @overload
    def __getitem__(self, chosen: int) -> Data: ...

    @overload
    def __getitem__(self, chosen: Indices | tuple[Any, EllipsisType]) -> GraphStore: ...

    def __getitem__(self, chosen: int | Indices | tuple[Any, EllipsisType]) -> Data | GraphStore:
        """Return one graph by its number, or the store of a slice, mask or list of graphs.

        `store[chosen, ...]` is `store[chosen]`, as of an array [G]. Raises `UserError` for anything
        else, `IndexError` for numbers out of range.
        """
        if isinstance(chosen, tuple) and len(chosen) == 2 and chosen[1] is Ellipsis:
            chosen = chosen[0]
        number = as_number(chosen)
        if number is not None:
            return one_graph(self, number)
        return some_graphs(self, positions(chosen, len(self), self.x.device))  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Data]:
        return (one_graph(self, number) for number in range(len(self)))

    def batch(self, indices: Indices) -> Batch:
        """Return the graphs `indices` [B] (integers, a mask [G] or a slice) as a batch, in order.

        Raises as `store[indices]` does.
        """
        chosen = positions(indices, len(self), self.x.device)
        if (
            isinstance(indices, Tensor)
            and indices.dtype != torch.bool
            and indices.device.type == "cpu" != self.x.device.type
        ):
            nodes, edges = (int(sizes[indices.long()].sum()) for sizes in self.sizes_on_host)
            return batch_of(self, chosen, (nodes, edges))
        return batch_of(self, chosen)

    @cached_property
    def sizes_on_host(self) -> tuple[Tensor, Tensor]:
        """Numbers of nodes and of edges [G] on the CPU, so that a device is asked for them once."""
        return self.node_ptr.diff().cpu(), self.edge_ptr.diff().cpu()

    @cached_property
    def meaning(self) -> Meaning:
        """What its graphs do not say themselves: they carry it."""
        return Meaning(self.vocabulary, tuple(self.classes), tuple(self.tasks))

    def encoded(self, name: str, value: Tensor) -> Tensor:
        """Return rows of the field `name` as in graphs and batches: encoded, in torch's default."""
        meaning = {"x": self.vocabulary.node, "edge_attr": self.vocabulary.edge}.get(name)
        value = value if meaning is None else meaning.encode(value)
        inputs = name != "y" and value.dtype == torch.float32
        return value.to(torch.get_default_dtype()) if inputs else value

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors of the store by name, without those that are None."""
        tensors = {name: getattr(self, name) for name in TENSORS}
        return {name: tensor for name, tensor in tensors.items() if tensor is not None}

    @classmethod
    def from_data(cls, graphs: Iterable[Data], **options: Any) -> GraphStore:
        """Return the store of a PyG data set, a batch or any iterable of `Data`.

        See `graph_hcl.data.convert.from_data` for the arguments and errors.
        """
        from graph_hcl.data.convert import from_data

        check_keywords(from_data, options)
        return from_data(graphs, **options)

    @classmethod
    def from_networkx(cls, graphs: Iterable[Any], **options: Any) -> GraphStore:
        """Return the store of NetworkX graphs.

        See `graph_hcl.data.networkx.from_networkx` for the arguments and errors.

        >>> import networkx
        >>> store = GraphStore.from_networkx([networkx.cycle_graph(3), networkx.path_graph(4)])
        >>> store.edge_ptr.tolist(), store.vocabulary.node.names()
        ([0, 6, 12], ['degree=0', 'degree=1', 'degree=2'])
        """
        from graph_hcl.data.networkx import from_networkx

        check_keywords(from_networkx, options)
        return from_networkx(graphs, **options)

    @classmethod
    def from_smiles(cls, smiles: Iterable[str], **options: Any) -> GraphStore:
        """Return the store of molecules given as SMILES.

        See `graph_hcl.data.molecules.from_smiles` for the arguments and errors.

        >>> GraphStore.from_smiles(["CCO", "c1ccccc1"], y=["alcohol", "arene"]).classes
        ['alcohol', 'arene']
        """
        from graph_hcl.data.molecules import from_smiles

        check_keywords(from_smiles, options)
        return from_smiles(smiles, **options)

    @classmethod
    def concat(cls, stores: Iterable[GraphStore]) -> GraphStore:
        """Return the graphs of several stores as one store, the first store's graphs first.

        Features are matched by name and categories by value; those of any store are known. Classes
        with names are matched by name. Quantities keep the scale of the first store.

        Raises `UserError` for stores with other features, fields or kinds of labels, where only
        some have groups, and for anything but stores.

        >>> one, two = (GraphStore.from_smiles([s], y=[s]) for s in ("CO", "CN"))
        >>> both = GraphStore.concat([one, two])
        >>> len(both), both.classes, both.y
        (2, ['CN', 'CO'], tensor([1, 0]))
        """
        return concat(stores)

    def save(self, path: str | Path, metadata: dict[str, str] | None = None) -> None:
        """Write the store as one safetensors file, atomically, with a sha256 of all it holds."""
        store_file.save(self, as_path(path, "path"), metadata or {})

    @classmethod
    def open(cls, path: str | Path) -> tuple[GraphStore, dict[str, str]]:
        """Return the store in a file, and the metadata that it was saved with.

        Raises `UserError` for a file that is not a complete store, or has changed since.
        """
        return store_file.read(as_path(path, "path"))

    def digest(self) -> str:
        """Return a sha256 of the content, which identifies data without files."""
        return store_file.digest(self)

    @staticmethod
    def metadata(path: str | Path) -> dict[str, str]:
        """Return the metadata of a file without its tensors; raise as `open` does."""
        return store_file.metadata(as_path(path, "path"))
