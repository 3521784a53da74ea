"""The contrastive model: a projection head and a normalisation on top of a graph encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn
from torch_geometric.nn import MLP

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.nn.encoder import GraphEncoder
from graph_hcl.registries import NORMALIZATIONS
from graph_hcl.setting_checks import check_setting, check_value


def unchanged(z: Tensor) -> Tensor:
    """Return the features as they are.

    >>> unchanged(1)
    1
    """
    return z


def normalize(z: Tensor, how: str = "sphere") -> Tensor:
    """Return features z [M, d] on the unit sphere, in the unit ball, or as they are.

    sphere: z / ‖z‖. ball: z · min(1, 1/‖z‖) (arXiv 2311.05139, section 5). none: z. The zero
    vector stays zero with a zero gradient (sphere). Half precision becomes float32, but for none.
    Raises `UserError` for another name, and for anything but a tensor of a floating type.

    >>> import torch
    >>> normalize(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), "ball")
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    check_value("the normalization", how, str)
    if not isinstance(z, Tensor) or not z.is_floating_point():
        got = z.dtype if isinstance(z, Tensor) else type(z).__name__
        raise UserError(f"Expected features as a tensor of a floating type, but got {got}.")
    return NORMALIZATIONS.get(how)(z)


class ContrastiveNetwork(nn.Module, ABC):
    """What the training loop asks of a model.

    `encoder` maps a batch to the graph embeddings [B, D] that are kept after training; the model
    itself maps it to the features that the objective is given.
    """

    encoder: nn.Module

    @abstractmethod
    def forward(self, batch: Any) -> Tensor:
        """Return features z [B, d] of the graphs of a batch."""

    @abstractmethod
    def local_and_global(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Return features of nodes [n, d] and of graphs [B, d], for objectives that read both."""


@names_arguments()
class ContrastiveModel(ContrastiveNetwork):
    """Encoder, projection head and normalisation: a batch's features as the objective gets them.

    The head is that of SimCLR (arXiv 2002.05709, section 2).

    Args:
        encoder: what maps a batch to graph embeddings.
        layers: number of linear maps of the head, with ReLU between them; with 0 the embedding
            itself is contrasted.
        dim: width d of the features, that of the embeddings unless given; without a head, there is
            no other.
        normalization: sphere, ball or none, see `normalize`.
        local: adds a head of the same shape for node embeddings, for objectives that contrast nodes
            with graphs; it starts at the width of these, which the read-out may change.

    Raises `UserError` for anything but a `GraphEncoder`, a value out of range, an unknown
    normalisation, a `dim` without use, and nodes and graphs of different widths without a head.

    >>> from graph_hcl.nn import make_backbone
    >>> encoder = GraphEncoder(make_backbone("gcn", 7, 16, 2), 32)
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
    ) -> None:
        super().__init__()
        if not isinstance(getattr(encoder, "_orig_mod", encoder), GraphEncoder):
            raise UserError(
                f"Expected encoder to be a GraphEncoder, but got {type(encoder).__name__}: write "
                "GraphEncoder(backbone, out_channels)."
            )
        check_setting("projection.layers", layers)
        check_setting("projection.dim", dim)
        check_value("normalization", normalization, str)
        NORMALIZATIONS.get(normalization)
        width, own = encoder.out_channels, encoder.node_channels
        if layers == 0 and dim not in (None, width):
            raise UserError(
                f"Expected no dim without a head, but got dim={dim} with layers=0: leave it out, "
                f"since features are then as wide as embeddings, {width}, or give 1 layer or more."
            )
        if local and layers == 0 and own != width:
            raise UserError(
                "Expected a head, projection.layers of 1 or more, to compare nodes with graphs of "
                f"another width, but got layers=0 with nodes [n, {own}] and graphs [B, {width}], "
                "which the read-out makes: add a layer, or take another read-out."
            )
        self.encoder: GraphEncoder = encoder
        self.normalization = normalization
        dim = width if dim is None else dim
        self.head: nn.Module = MLP([width] * layers + [dim], norm=None) if layers else nn.Identity()
        self.node_head = MLP([own] * layers + [dim], norm=None) if layers and local else None

    def forward(self, batch: Any) -> Tensor:
        """Return normalised features z [B, d]."""
        return normalize(self.head(self.encoder(batch)), self.normalization)

    def local_and_global(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Return normalised features of nodes [n, d] and of graphs [B, d]."""
        nodes = self.encoder.nodes(batch)
        graphs = self.encoder.pool(nodes, batch)
        local = nodes if self.node_head is None else self.node_head(nodes)
        how = self.normalization
        return normalize(local, how), normalize(self.head(graphs), how)
