"""Features of earlier batches as further negatives (MoCo, arXiv 1911.05722)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_tensor, check_whole
from graph_hcl.losses.inputs import as_keys
from graph_hcl.losses.pairs import Pairs


@names_arguments()
class MemoryBank(nn.Module):
    """The last `size` features and their negative keys; buffers, so a checkpoint holds them.

    A remembered row is positive of no anchor, and a negative of the anchors with another negative
    key: earlier views of the anchor's own graph, or graphs of its own label, do not repel it.
    Graphs without a number get one from `fresh` that no remembered row has. Raises `ValueError`
    for a size below 1, for features of another width than those that it holds, and for features
    and keys that do not fit each other.

    >>> memory, z, key = MemoryBank(3), torch.eye(2), torch.tensor([5, 7])
    >>> memory.push(z, key)
    >>> memory.push(z, key)
    >>> memory.keys
    tensor([7, 5, 7])
    >>> samples, pairs = memory.join(z, key, key)
    >>> samples.shape, pairs.counts()[1]
    (torch.Size([5, 2]), tensor([3, 2]))
    """

    features: Tensor
    keys: Tensor
    unnamed: Tensor
    """Number of graphs without a number that were pushed []."""

    def __init__(self, size: int) -> None:
        super().__init__()
        check_whole("size", size, 1)
        self.size = size
        self.register_buffer("features", torch.empty(0, 0))
        self.register_buffer("keys", torch.empty(0, dtype=torch.long))
        self.register_buffer("unnamed", torch.zeros((), dtype=torch.long))

    def fresh(self, count: int, device: torch.device) -> Tensor:
        """Return numbers below 0 [count] for graphs without one; `push` uses them up.

        >>> MemoryBank(4).fresh(2, torch.device("cpu"))
        tensor([-1, -2])
        """
        return -1 - self.unnamed.to(device) - torch.arange(count, device=device)

    def push(self, z: Tensor, keys: Tensor, unnamed: int = 0) -> None:
        """Append features z [M, d] and their negative keys [M], and drop the oldest.

        Args:
            z: features [M, d].
            keys: negative keys [M].
            unnamed: how many of `fresh` are among the keys.
        """
        check_tensor("features", z)
        keys = as_keys(keys, "keys", z)
        functorch: Any = torch._C._functorch
        if functorch.is_batchedtensor(z) or functorch.is_batchedtensor(keys):
            raise ValueError(
                "Expected no rows to remember inside torch.func.vmap, whose batches have no order: "
                "call eval() of the loss, or make it without memory_size."
            )
        self.unnamed = self.unnamed.to(keys.device) + unnamed
        old = self.features.to(z) if len(self.keys) else z.new_empty(0, z.shape[1])
        self.features = torch.cat([old, z.detach()])[-self.size :]
        self.keys = torch.cat([self.keys.to(keys), keys])[-self.size :]

    def pairs(self, positive: Tensor, negative: Tensor) -> Pairs:
        """Return the pairs of a batch with itself and with the memory, batch first."""
        batch = Pairs.among(positive, negative)  # whose keys are int64, as those remembered are
        if batch.negative is None or not len(self.keys) or not len(positive):
            return batch
        (positive, _), (negative, _) = batch.positive, batch.negative
        # Below the least key; the least integer wraps round to the largest, which is rarely used.
        unused = positive.amin() - 1
        return Pairs(
            (positive, torch.cat([positive, unused.expand(len(self.keys))])),
            (negative, torch.cat([negative, self.keys.to(negative)])),
            batch.self_index,
        )

    def join(self, z: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Pairs]:
        """Return samples [M + remembered, d], batch first, and their pairs with the batch.

        Args:
            z: features [M, d] of the batch.
            positive: positive keys [M] of the batch.
            negative: negative keys [M] of the batch.
        """
        pairs = self.pairs(positive, negative)
        if len(pairs.positive[1]) == len(z):
            return z, pairs
        if self.features.shape[1] != z.shape[1]:
            raise ValueError(
                f"Expected features of width {self.features.shape[1]}, as the memory holds, but "
                f"got {z.shape[1]}: make a new objective for another width."
            )
        return torch.cat([z, self.features.to(z)]), pairs

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in ("features", "keys"):
            if prefix + name in state_dict:  # of a larger memory, what this one would have kept
                state_dict[prefix + name] = kept = state_dict[prefix + name][-self.size :]
                setattr(self, name, torch.empty_like(kept))
        super()._load_from_state_dict(state_dict, prefix, *rest)
