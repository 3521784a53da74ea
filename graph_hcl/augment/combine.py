"""Augmentations made of augmentations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_

import torch
from torch import Generator
from torch_geometric.data import Batch

from graph_hcl.augment.edit import Augmentation, Edit
from graph_hcl.errors import UserError


@dataclass(frozen=True)
class _Parts:
    """A tuple of at least one augmentation."""

    parts: tuple[Augmentation, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise UserError(
                f"Expected at least one augmentation in {type(self).__name__}, but got none."
            )


class Compose(_Parts):
    """Make the changes of all `parts`, each drawn on the batch as it came, and apply them once.

    Two draws that each keep some node of a graph may share none; `apply` then keeps one node.
    Raises `UserError` without parts.

    >>> Compose((lambda batch, generator: Edit(), lambda batch, generator: Edit()))(None, None)
    Edit(nodes=None, edges=None, masked=None, added=None)
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the parts' edits, combined."""
        return reduce(and_, (part(batch, generator) for part in self.parts))


class RandomChoice(_Parts):
    """Make the changes of one of `parts`, chosen at random, uniformly, for each graph by itself.

    Each part is drawn for the whole batch and kept for the graphs that chose it. Raises `UserError`
    without parts.

    >>> from torch_geometric.data import Data
    >>> graph = Data(torch.ones(1, 1), torch.empty(2, 0, dtype=torch.long))
    >>> mask = lambda batch, generator: Edit(masked=torch.ones(batch.num_nodes, 1).bool())
    >>> choice = RandomChoice((mask, lambda batch, generator: Edit()))
    >>> edit = choice(Batch.from_data_list([graph] * 4), torch.Generator().manual_seed(0))
    >>> edit.masked.squeeze(1)
    tensor([ True, False, False,  True])
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the parts' edits, each for the graphs that chose it."""
        choice = torch.randint(
            len(self.parts), (batch.num_graphs,), generator=generator, device=batch.x.device
        )[batch.batch]
        edits = (part(batch, generator) for part in self.parts)
        return reduce(
            and_, (edit.only(choice == k, batch.edge_index) for k, edit in enumerate(edits))
        )
