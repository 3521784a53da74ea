"""Features of earlier batches as further negatives (MoCo, arXiv 1911.05722)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_tensor, check_whole
from graph_hcl.losses.inputs import as_keys
from graph_hcl.losses.pairs import Pairs

STATE = ("features", "keys", "unnamed")
"""What a memory bank remembers, by the names in its state dict."""


@names_arguments()
class MemoryBank(nn.Module):
    """The last `size` features and their negative keys, which a checkpoint holds.

    They are in the state dict and follow `to`, but are no buffers: `DistributedDataParallel` leaves
    each process its own, and averages of weights, such as `AveragedModel`, pass over them.

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
        self.features = torch.empty(0, 0)
        self.keys = torch.empty(0, dtype=torch.long)
        self.unnamed = torch.zeros((), dtype=torch.long)

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
        dropped = max(0, len(self.keys) + len(keys) - self.size)  # no slice of more than is kept
        self.features = torch.cat([old[dropped:], z.detach()[-self.size :]])
        self.keys = torch.cat([self.keys.to(keys)[dropped:], keys[-self.size :]])

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

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move and convert the rows, as `Module` does buffers."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name in STATE:
            setattr(self, name, fn(getattr(self, name)))
        return self

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        """Add the rows, under the names of the buffers that they were."""
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination.update({prefix + name: getattr(self, name) for name in STATE})

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take the rows; of a larger memory, what this one would have kept."""
        given = {key: value for key, value in state_dict.items() if key.startswith(prefix)}
        for name in STATE:
            value = given.pop(prefix + name, None)
            if value is None:
                missing_keys += [prefix + name] if strict else []
                continue
            kept = value if name == "unnamed" else value[-self.size :]
            if kept.dim() != getattr(self, name).dim():
                error_msgs.append(f"size mismatch for {prefix}{name}: {list(value.shape)}.")
                continue
            setattr(self, name, kept.detach().to(self.unnamed.device, copy=True))
        unexpected_keys += given if strict else []
