"""Graph encoder = read-out of a backbone; contrastive model = normalised projection of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch_geometric.nn import MLP, global_add_pool, global_max_pool, global_mean_pool

from graph_hcl.data.batch import is_sorted_undirected
from graph_hcl.losses.precision import shorten, unit
from graph_hcl.nn.call import (
    Takes,
    call,
    graph_of_nodes,
    number_of_graphs,
    read_out,
    read_out_width,
)
from graph_hcl.nn.layers import FastNetwork
from graph_hcl.nn.neighbours import Neighbours, sum_of_graphs
from graph_hcl.registry import Registry

READOUTS: Registry[Callable[..., Tensor]] = Registry("readout")
READOUTS.register("sum")(global_add_pool)
READOUTS.register("mean")(global_mean_pool)
READOUTS.register("max")(global_max_pool)
_EACH_COLUMN = (global_add_pool, global_mean_pool, global_max_pool)

NORMALIZATIONS: Registry[Callable[[Tensor], Tensor]] = Registry("normalization")


@NORMALIZATIONS.register("sphere")
def _sphere(z: Tensor) -> Tensor:
    return unit(z)


@NORMALIZATIONS.register("ball")
def _ball(z: Tensor) -> Tensor:
    return shorten(z)


@NORMALIZATIONS.register("none")
def _none(z: Tensor) -> Tensor:
    return z


def normalize(z: Tensor, how: str = "sphere") -> Tensor:
    """Return features z [M, d] on the unit sphere, in the unit ball, or as they are.

    sphere: z / ‖z‖. ball: z · min(1, 1/‖z‖) (arXiv 2311.05139, section 5). none: z. The zero
    vector stays zero with a zero gradient (sphere). Half precision becomes float32, but for none.
    Raises `UserError` for another name.

    >>> normalize(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), "ball")
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    return NORMALIZATIONS.get(how)(z)


class GraphEncoder(nn.Module):
    """A graph's embedding is the read-out of its node embeddings.

    `backbone` gives node embeddings [n, D]: it is called with x, edge_index and what else its
    `forward` names of edge_attr, edge_weight, pos, batch and batch_size, where the batch has it;
    `width` is D; `readout` is sum, mean, max, one of PyG's aggregations, or a callable with the
    signature of PyG's global pooling functions. The attribute `width` is that of the embeddings,
    which the read-out may have changed; `reads` names the fields of a batch that are read.
    Raises `UserError` for a backbone whose forward needs anything else, for a read-out that gives
    no row per graph, and when it is called, for a batch without a field that its forward needs.

    >>> from torch_geometric.data import Batch, Data
    >>> from graph_hcl.nn import make_backbone
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> batch = Batch.from_data_list([Data(x=torch.ones(n, 7), edge_index=edges) for n in (2, 3)])
    >>> encoder = GraphEncoder(make_backbone("gin", 7, 32, 3), width=96)
    >>> encoder(batch).shape, encoder.nodes(batch).shape, sorted(encoder.reads)
    (torch.Size([2, 96]), torch.Size([5, 96]), ['edge_index', 'x'])
    """

    def __init__(
        self, backbone: nn.Module, width: int, readout: str | Callable[..., Tensor] = "sum"
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.readout = READOUTS.get(readout) if isinstance(readout, str) else readout
        self.width = width if self.readout in _EACH_COLUMN else read_out_width(self.readout, width)
        self._takes = Takes.of(backbone)
        self.reads = frozenset({"x", "edge_index", *self._takes.fields})

    def nodes(self, batch: Any) -> Tensor:
        """Return node embeddings [n, D] of a batch with `x` and `edge_index`."""
        blocks = self._blocks(batch)
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=1)

    def forward(self, batch: Any) -> Tensor:
        """Return graph embeddings [B, D]."""
        if self.readout not in _EACH_COLUMN:
            return self.pool(self.nodes(batch), batch)
        # Reading out each layer by itself spares a copy of all node embeddings side by side.
        return torch.cat([self.pool(block, batch) for block in self._blocks(batch)], dim=1)

    def pool(self, nodes: Tensor, batch: Any) -> Tensor:
        """Return the read-out [B, …] of node embeddings [n, …]."""
        if self.readout is global_add_pool and is_sorted_undirected(batch):
            return sum_of_graphs(nodes, batch.ptr, batch.batch)
        return read_out(self.readout, nodes, graph_of_nodes(batch), number_of_graphs(batch))

    def _blocks(self, batch: Any) -> list[Any]:
        """Return blocks of columns that side by side are the node embeddings."""
        backbone = self.backbone
        if (
            isinstance(backbone, FastNetwork)
            and is_sorted_undirected(batch)
            and all(getattr(batch, name, None) is None for name in self._takes.fields)
            and backbone.takes_neighbours
        ):
            return backbone.blocks(batch.x, Neighbours.of(batch.edge_index, len(batch.x)))
        return [call(backbone, self._takes, batch)]


class ContrastiveModel(nn.Module):
    """Encoder, projection head and normalisation: what the loss sees of a batch.

    The head has `layers` linear maps with ReLU between them (SimCLR, arXiv 2002.05709, section 2);
    with 0 layers the embedding itself is contrasted. `local` adds a head of the same shape for
    node embeddings, for objectives that contrast nodes with graphs. `weight_noise` is the η of
    `perturbed`.

    >>> from graph_hcl.nn import make_backbone
    >>> encoder = GraphEncoder(make_backbone("gcn", 7, 16, 2), width=32)
    >>> ContrastiveModel(encoder, layers=2, dim=8).head
    MLP(32, 32, 8)
    """

    def __init__(
        self,
        encoder: GraphEncoder,
        layers: int = 2,
        dim: int | None = None,
        normalization: str = "sphere",
        local: bool = False,
        weight_noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.normalization = normalization
        self.weight_noise = weight_noise
        widths = [encoder.width] * layers + [dim or encoder.width]
        self.head: nn.Module = MLP(widths, norm=None) if layers else nn.Identity()
        self.node_head = MLP(widths, norm=None) if layers and local else None

    def forward(self, batch: Any) -> Tensor:
        """Return normalised features z [B, d]."""
        return normalize(self.head(self.encoder(batch)), self.normalization)

    @torch.no_grad()
    def perturbed(self, batch: Any) -> Tensor:
        """Return features z [B, d] by weights with noise, as constants without gradient.

        θ' = θ + η ε, ε ~ N(0, var θ), for each weight tensor θ of the encoder: SimGRACE (arXiv
        2202.03104, equation 2). As in its published code, the head has no noise, and nothing
        learns through θ'. The noise is of torch's global generator; running statistics stay.
        """
        weights = {
            name: value + self.weight_noise * value.std(correction=0) * torch.randn_like(value)
            for name, value in self.named_parameters()
            if name.startswith("encoder.")
        }
        buffers = {name: value.clone() for name, value in self.named_buffers()}
        features: Tensor = functional_call(self, weights | buffers, (batch,))
        return features

    def local_and_global(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Return normalised features of nodes [n, d] and of graphs [B, d]."""
        nodes = self.encoder.nodes(batch)
        graphs = self.encoder.pool(nodes, batch)
        local = nodes if self.node_head is None else self.node_head(nodes)
        how = self.normalization
        return normalize(local, how), normalize(self.head(graphs), how)
