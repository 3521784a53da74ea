"""A read-out: the signature of PyG's global pooling functions."""

from torch import Tensor
from torch_geometric.nn import global_mean_pool


def root_mean_square(x: Tensor, batch: Tensor, size: int | None = None) -> Tensor:
    """Return √(mean of squares) of each column of each graph."""
    return (global_mean_pool(x.square(), batch, size) + 1e-12).sqrt()
