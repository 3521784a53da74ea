"""Augmentations of augmentations: one after the other, or a random one per graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch_geometric.data import Batch

from graph_hcl.augment.basic import Augmentation
from graph_hcl.augment.edit import Edit, apply


@dataclass(frozen=True)
class Compose:
    """Make the edits of all parts; each is drawn for the batch as it was given."""

    parts: tuple[Augmentation, ...]

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the parts' edits combined."""
        edit = Edit()
        for part in self.parts:
            edit = edit & part(batch, generator)
        return edit


@dataclass(frozen=True)
class RandomChoice:
    """Give each graph of the batch one of the parts, each with the same probability."""

    parts: tuple[Augmentation, ...]

    def __call__(self, batch: Any, generator: torch.Generator) -> Edit:
        """Return the parts' edits, each on the graphs that drew it."""
        choice = torch.randint(
            len(self.parts), (batch.num_graphs,), generator=generator, device=batch.x.device
        )
        edit = Edit()
        for number, part in enumerate(self.parts):
            edit = edit & part(batch, generator).within(choice == number, batch)
        return edit


def view(augmentation: Augmentation) -> Callable[[Any, torch.Generator], Batch]:
    """Return the function from a batch and a generator to the augmented batch."""
    return lambda batch, generator: apply(batch, augmentation(batch, generator))
