"""PyG's BasicGNN family with the same parameters, in which every norm acts per graph."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn
from torch_geometric.nn import MLP, models

from graph_hcl.nn.convs import EdgeConv, GINEConv
from graph_hcl.nn.norms import make_norm, per_graph, takes_batch


class Network:
    """Mixin for PyG's `BasicGNN`: norms by `make_norm`, inside convolutions as well.

    `passes` names the arguments of `forward` that convolutions are called with.
    """

    passes: ClassVar[tuple[str, ...]] = ()
    convs: nn.ModuleList
    norms: nn.ModuleList
    act: nn.Module | None
    act_first: bool
    dropout: nn.Module
    jk_mode: str | None
    norm: str | None
    norm_kwargs: dict[str, Any] | None

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        num_layers: int,
        *rest: Any,
        norm: Any = None,
        norm_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        outer: Any = super()
        made = make_norm(norm, hidden_channels, norm_kwargs)
        outer.__init__(in_channels, hidden_channels, num_layers, *rest, norm=made, **options)
        if isinstance(norm, str):
            self.norm, self.norm_kwargs = norm, norm_kwargs
            for conv in self.convs:
                if isinstance(getattr(conv, "nn", None), MLP):
                    _give_norm(conv.nn, norm, norm_kwargs)

    def forward(
        self,
        x: Tensor,
        edge_index: Any,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Return node embeddings [n, D]; without `batch` [n], all nodes are of one graph."""
        given = {
            "edge_weight": edge_weight,
            "edge_attr": edge_attr,
            "batch": batch,
            "batch_size": batch_size,
        }
        passed = {name: given[name] for name in self.passes}
        layers = []
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True), 1):
            x = conv(x, edge_index, **passed)
            if number < len(self.convs) or self.jk_mode is not None:
                if self.act is not None and self.act_first:
                    x = self.act(x)
                x = per_graph(norm, x, batch, batch_size)
                if self.act is not None and not self.act_first:
                    x = self.act(x)
                x = self.dropout(x)
            layers.append(x)
        return self.output(layers)

    @property
    def jumping(self) -> nn.Module | None:
        """PyG's `jk`, which combines the layers; None for the last layer alone."""
        modules: dict[str, nn.Module | None] = vars(self)["_modules"]
        return modules.get("jk")

    @property
    def output_map(self) -> nn.Module | None:
        """PyG's `lin`, the linear map after `jk`; None without."""
        modules: dict[str, nn.Module | None] = vars(self)["_modules"]
        return modules.get("lin")

    def output(self, layers: list[Tensor]) -> Tensor:
        """Return the network's output, given the node embeddings [n, hidden] of each layer."""
        jumping, output_map = self.jumping, self.output_map
        x: Tensor = layers[-1] if jumping is None else jumping(layers)
        return x if output_map is None else output_map(x)


def _give_norm(mlp: MLP, norm: str, options: dict[str, Any] | None) -> None:
    for place, channels in enumerate(mlp.channel_list[1:-1]):
        mlp.norms[place] = make_norm(norm, channels, options)
    mlp.supports_norm_batch = takes_batch(mlp.norms[0])


def gin_mlp(net: Any, in_channels: int, out_channels: int) -> MLP:
    """Return the MLP of two layers in a network's convolution, its norm still missing.

    >>> gin_mlp(GAT(4, 8, 2), 4, 8)
    MLP(4, 8, 8)
    """
    widths = [in_channels, out_channels, out_channels]
    return MLP(widths, act=net.act, act_first=net.act_first, norm=None)


class GAT(Network, models.GAT):
    """PyG's `GAT`; with an `edge_dim`, attention reads edge attributes.

    >>> import torch
    >>> GAT(4, 8, 2)(torch.ones(2, 4), torch.tensor([[0, 1], [1, 0]])).shape
    torch.Size([2, 8])
    """

    passes = ("edge_attr",)


class PNA(Network, models.PNA):
    """PyG's `PNA`; with an `edge_dim`, messages read edge attributes.

    >>> import torch
    >>> net = PNA(4, 8, 2, aggregators=["mean"], scalers=["identity"], deg=torch.tensor([0, 2]))
    >>> net(torch.ones(2, 4), torch.tensor([[0, 1], [1, 0]])).shape
    torch.Size([2, 8])
    """

    passes = ("edge_attr",)


class EdgeCNN(Network, models.EdgeCNN):
    """PyG's `EdgeCNN`.

    >>> import torch
    >>> EdgeCNN(4, 8, 2)(torch.ones(2, 4), torch.tensor([[0, 1], [1, 0]])).shape
    torch.Size([2, 8])
    """

    passes = ("batch", "batch_size")

    def init_conv(self, in_channels: int, out_channels: int, **options: Any) -> EdgeConv:
        """Return one layer."""
        return EdgeConv(gin_mlp(self, 2 * in_channels, out_channels), **options)


class GINE(Network, models.basic_gnn.BasicGNN):
    """GIN that reads edge attributes, given their width `edge_dim`.

    x_v' = MLP((1 + ε) x_v + Σ_u ReLU(x_u + W e_uv + b)) (Hu et al. 2020, arXiv 1905.12265, section
    5; `GINEConv` of PyG), with W e_uv + b = 0 where there is no `edge_dim`.

    >>> import torch
    >>> x, edges, bonds = torch.ones(2, 4), torch.tensor([[0, 1], [1, 0]]), torch.eye(2, 3)
    >>> GINE(4, 8, 2, edge_dim=3)(x, edges, edge_attr=bonds).shape
    torch.Size([2, 8])
    """

    supports_edge_weight = False
    supports_edge_attr = True
    passes = ("edge_attr", "batch", "batch_size")

    def init_conv(self, in_channels: int, out_channels: int, **options: Any) -> GINEConv:
        """Return one layer."""
        return GINEConv(gin_mlp(self, in_channels, out_channels), **options)
