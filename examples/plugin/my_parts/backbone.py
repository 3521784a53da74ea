"""A backbone: built with what its constructor names, called with what its forward names."""

from torch import Tensor, nn
from torch_geometric.nn import GraphConv


class Residual(nn.Module):
    """Graph convolutions whose inputs are added to their outputs; reads edge weights."""

    def __init__(
        self, in_channels: int, hidden_channels: int, num_layers: int, slope: float = 0.2
    ) -> None:
        super().__init__()
        self.first = nn.Linear(in_channels, hidden_channels)
        self.convs = nn.ModuleList(
            GraphConv(hidden_channels, hidden_channels) for _ in range(num_layers)
        )
        self.act = nn.LeakyReLU(slope)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        x = self.first(x)
        for conv in self.convs:
            x = x + self.act(conv(x, edge_index, edge_weight))
        return x
