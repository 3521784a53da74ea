"""All graphs of a data set as a few flat tensors, from which a batch is a handful of gathers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch_geometric.data import Batch, Data, InMemoryDataset

from graph_hcl.data.batch import columns, make_batch
from graph_hcl.data.convert import check_graph, graph_of
from graph_hcl.errors import UserError


@dataclass(frozen=True)
class GraphStore:
    """Graphs laid end to end in contiguous tensors on one device.

    `x` [N, F] node features, `edge_index` [2, E] with node numbers local to their graph,
    `node_ptr`, `edge_ptr` [G + 1] where each graph begins and ends, `edge_attr` [E, …] or None,
    `y` [G] labels or None; `sha256` names the raw data. `store[indices]` is a PyG `Batch` equal to
    `Batch.from_data_list` of the same graphs, without a loop over graphs.

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> store = GraphStore.from_data([Data(x=torch.ones(n, 4), edge_index=edges) for n in (2, 3)])
    >>> store[torch.tensor([1, 0])]
    DataBatch(x=[5, 4], edge_index=[2, 4], batch=[5], ptr=[3])
    """

    x: Tensor
    edge_index: Tensor
    node_ptr: Tensor
    edge_ptr: Tensor
    edge_attr: Tensor | None = None
    y: Tensor | None = None
    sha256: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.node_ptr) - 1

    @property
    def num_features(self) -> int:
        """Number of node features F."""
        return self.x.shape[1]

    @property
    def num_classes(self) -> int:
        """Number of different labels; 0 without labels."""
        return 0 if self.y is None else len(self.y.unique())

    @cached_property
    def mean_size(self) -> float:
        """Number of nodes and edges of the mean graph."""
        return int(self.node_ptr[-1] + self.edge_ptr[-1]) / len(self)

    @cached_property
    def mirrored(self) -> bool:
        """Whether edges are sorted by source, each is there both ways, and none is a self-loop.

        Sums over neighbours are faster then; augmentations keep it so.
        """
        source, target = self.edge_index + self._shift()
        nodes = int(self.node_ptr[-1])
        if not (source[1:] >= source[:-1]).all() or (source == target).any():
            return False
        # numpy sorts numbers several times faster than torch, which sorts their places too.
        keys, mirror = (
            (a * nodes + b).cpu().numpy() for a, b in ((source, target), (target, source))
        )
        keys.sort()
        mirror.sort()
        return np.array_equal(keys, mirror)

    def _shift(self) -> Tensor:
        """Return what takes each edge's local node numbers to numbers in the whole store [E]."""
        return torch.repeat_interleave(self.node_ptr[:-1], self.edge_ptr.diff())

    def to(self, device: torch.device | str) -> GraphStore:
        """Return the store with all tensors on `device`."""
        moved = {name: tensor.to(device) for name, tensor in self._tensors().items()}
        return GraphStore(**moved, sha256=self.sha256)._knowing(self.mirrored)

    def _knowing(self, mirrored: bool) -> GraphStore:
        """Return the store, told whether it is `mirrored`: finding out sorts all edges."""
        self.__dict__["mirrored"] = mirrored
        return self

    def __getitem__(self, indices: Tensor | Sequence[int]) -> Batch:
        """Return the graphs `indices` [B] (integers or a mask [G]) as a batch, in that order.

        Raises `UserError` for anything else, `IndexError` for graphs that are not there.
        """
        indices = self._positions(indices)
        nodes, node_sizes, node_ptr = self._rows(self.node_ptr, indices)
        edges, edge_sizes, edge_ptr = self._rows(self.edge_ptr, indices)
        shift = torch.repeat_interleave(node_ptr[:-1], edge_sizes, output_size=len(edges))
        graph = torch.arange(len(indices), device=self.x.device)
        batch = make_batch(
            len(indices),
            self.mirrored,
            x=self.x.index_select(0, nodes),
            edge_index=columns(self.edge_index, edges).add_(shift),
            batch=torch.repeat_interleave(graph, node_sizes, output_size=len(nodes)),
            ptr=node_ptr,
        )
        slices = {"x": node_ptr, "edge_index": edge_ptr}
        if self.edge_attr is not None:
            batch.edge_attr = self.edge_attr.index_select(0, edges)
            slices["edge_attr"] = edge_ptr
        if self.y is not None:
            batch.y = self.y[indices]
            slices["y"] = torch.arange(len(indices) + 1)
        zeros = torch.zeros_like(graph)
        # What PyG needs to take the batch apart again.
        batch._slice_dict = slices
        batch._inc_dict = {k: node_ptr[:-1] if k == "edge_index" else zeros for k in slices}
        return batch

    def _positions(self, indices: Tensor | Sequence[int]) -> Tensor:
        """Return indices as integers from 0 on the store's device."""
        chosen = torch.as_tensor(indices, device=self.x.device)
        if chosen.dtype == torch.bool and chosen.shape == (len(self),):
            return chosen.nonzero().squeeze(1)
        kind = chosen.dtype
        if chosen.dim() != 1 or kind == torch.bool or kind.is_floating_point or kind.is_complex:
            raise UserError(
                f"Expected whole numbers [B] or a mask [{len(self)}] to choose graphs, but got "
                f"{chosen.dtype} {list(chosen.shape)}."
            )
        # Indexing one element each lets negative and absent graphs be torch's own affair.
        return torch.arange(len(self), device=self.x.device)[chosen]

    @staticmethod
    def _rows(ptr: Tensor, indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the rows of the chosen segments, their sizes, and where each begins in them."""
        start = ptr[indices]
        sizes = ptr[indices + 1] - start
        new_ptr = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
        total = int(new_ptr[-1])
        offset = torch.repeat_interleave(start - new_ptr[:-1], sizes, output_size=total)
        return offset.add_(torch.arange(total, device=ptr.device)), sizes, new_ptr

    def _tensors(self) -> dict[str, Tensor]:
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "sha256"}
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    @classmethod
    def from_data(cls, graphs: Iterable[Data]) -> GraphStore:
        """Return the store of a PyG data set or of any iterable of `Data` with the same fields.

        Raises `UserError` for graphs without node features, of different feature widths, with
        edges that leave the graph, or with labels on some of them only.
        """
        if isinstance(graphs, InMemoryDataset):
            graphs = [graphs[index] for index in range(len(graphs))]
        items = list(graphs)
        if not items:
            raise UserError("Expected at least one graph, but got none.")
        for number, data in enumerate(items):
            check_graph(data, number, items[0])
        first = items[0]
        node_sizes = torch.tensor([data.x.shape[0] for data in items])
        edge_sizes = torch.tensor([data.edge_index.shape[1] for data in items])
        labelled = first.y is not None
        return cls(
            x=torch.cat([data.x for data in items]).float().contiguous(),
            edge_index=torch.cat([data.edge_index for data in items], dim=1).contiguous(),
            node_ptr=torch.cat([torch.zeros(1, dtype=torch.long), node_sizes.cumsum(0)]),
            edge_ptr=torch.cat([torch.zeros(1, dtype=torch.long), edge_sizes.cumsum(0)]),
            edge_attr=None
            if first.edge_attr is None
            else torch.cat([data.edge_attr for data in items]).contiguous(),
            y=torch.cat([torch.as_tensor(data.y).reshape(1) for data in items])
            if labelled
            else None,
        )

    @classmethod
    def from_networkx(cls, graphs: Iterable[Any], features: str = "x") -> GraphStore:
        """Return the store of NetworkX graphs.

        The node attribute `features` (a number or a sequence of them) becomes `x`; graphs without
        it get a constant feature 1. A graph attribute `y` becomes the label. Undirected edges are
        stored in both directions. Raises `UserError` as `from_data` does.

        >>> import networkx
        >>> store = GraphStore.from_networkx([networkx.cycle_graph(3), networkx.path_graph(4)])
        >>> store.edge_ptr.tolist(), store.num_features
        ([0, 6, 12], 1)
        """
        return cls.from_data(graph_of(graph, features) for graph in graphs)

    def save(self, path: Path, metadata: dict[str, str] | None = None) -> None:
        """Write the store as one safetensors file."""
        tensors = {name: tensor.contiguous().cpu() for name, tensor in self._tensors().items()}
        known = {"sha256": self.sha256, "mirrored": str(int(self.mirrored))}
        save_file(tensors, path, known | (metadata or {}))

    @classmethod
    def open(cls, path: Path) -> tuple[GraphStore, dict[str, str]]:
        """Return the store in a file, memory-mapped, and the file's metadata.

        Raises `UserError` for a file that is not a whole store.
        """
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            store = cls(**tensors, sha256=metadata["sha256"])
            known = metadata.get("mirrored")
            return store if known is None else store._knowing(known == "1"), metadata
        except (SafetensorError, OSError, TypeError, KeyError) as error:
            raise UserError(f"{path} is damaged or no graph store ({error}).") from error

    def digest(self) -> str:
        """Return a sha256 of the tensors' content, which names data that came from no file."""
        found = hashlib.sha256()
        for name, tensor in self._tensors().items():
            found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            found.update(tensor.contiguous().cpu().numpy().data)
        return found.hexdigest()
