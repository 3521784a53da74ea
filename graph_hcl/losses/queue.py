"""Past features as extra negatives (MoCo, arXiv 1911.05722), for contrasts in small batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graph_hcl.losses.pairs import Pairs


class Queue(nn.Module):
    """The last `size` features and their negative keys; buffers, so a checkpoint holds them.

    A queued row is nobody's positive, and a negative of the anchors with another negative key:
    earlier views of the anchor's own graph, or graphs of its own label, do not repel it. Raises
    `ValueError` for a size below 1.

    >>> queue, z, key = Queue(3), torch.eye(2), torch.tensor([5, 7])
    >>> queue.push(z, key)
    >>> queue.push(z, key)
    >>> queue.keys
    tensor([7, 5, 7])
    >>> samples, pairs = queue.join(z, key, key)
    >>> samples.shape, pairs.counts()[1]
    (torch.Size([5, 2]), tensor([3, 2]))
    """

    features: Tensor
    keys: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"Expected a queue of 1 or more, but got {size}.")
        self.size = size
        self.register_buffer("features", torch.empty(0, 0))
        self.register_buffer("keys", torch.empty(0, dtype=torch.long))

    def push(self, z: Tensor, keys: Tensor) -> None:
        """Append features z [M, d] and their negative keys [M], and let go of the oldest."""
        old = self.features.to(z) if len(self.keys) else z.new_empty(0, z.shape[1])
        self.features = torch.cat([old, z.detach()])[-self.size :]
        self.keys = torch.cat([self.keys.to(keys), keys])[-self.size :]

    def join(self, z: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Pairs]:
        """Return samples [M + queued, d], batch first, and their pairs with the batch."""
        if not len(self.keys):
            return z, Pairs.among(positive, negative)
        nobody = (positive.amin() - 1).expand(len(self.keys))
        pairs = Pairs(
            (positive, torch.cat([positive, nobody])),
            (negative, torch.cat([negative, self.keys.to(negative)])),
            torch.arange(len(z), device=z.device),
        )
        return torch.cat([z, self.features.to(z)]), pairs

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in ("features", "keys"):
            if prefix + name in state_dict:
                setattr(self, name, torch.empty_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *rest)
