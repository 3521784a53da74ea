"""Augmentations made of augmentations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch_geometric.data import Batch

from graph_hcl.augment.basic import EdgeMask
from graph_hcl.augment.draw import draw_edit
from graph_hcl.augment.edit import Augmentation, Edit, check_edit, check_is_edit
from graph_hcl.data.batch import select_each
from graph_hcl.errors import UserError
from graph_hcl.keywords import can_be_called, names_arguments


def some_of(given: Any, whole: str) -> tuple[Any, ...]:
    """Return a list of one augmentation or more as a tuple; raise `UserError` for anything else.

    `whole` is what they are the parts of, in messages.

    >>> some_of([], "Compose")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected at least one augmentation in Compose, but got none.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UserError(f"Expected a list of augmentations in {whole}, but got {given!r:.60}.")
    parts = tuple(given)
    if not parts:
        raise UserError(f"Expected at least one augmentation in {whole}, but got none.")
    return parts


def check_augmentation(part: Any, whole: str) -> None:
    """Raise `UserError` for what is no augmentation, such as the text or the class of one.

    Nor is a function of a graph alone, such as a transform of PyG.

    >>> check_augmentation("edge_drop(0.2)", "Compose")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected augmentations `(batch, generator) -> Edit` in Compose, \
but got 'edge_drop(0.2)': make one of it with graph_hcl.augment.parse.
    """
    if isinstance(part, type) or not callable(part):
        with_parse = "make one of it with graph_hcl.augment.parse"
        raise UserError(
            f"Expected augmentations `(batch, generator) -> Edit` in {whole}, but got "
            f"{part!r:.60}: {with_parse if isinstance(part, str) else 'give an instance'}."
        )
    if not can_be_called(part.forward if isinstance(part, nn.Module) else part, None, None):
        raise UserError(
            f"Expected augmentations `(batch, generator) -> Edit` in {whole}, but {part!r:.60} "
            "takes other arguments: return a graph_hcl.augment.Edit of the batch, drawn by the "
            "generator."
        )


@dataclass(frozen=True)
class _Parts:
    """A tuple of at least one augmentation."""

    parts: tuple[Augmentation, ...]

    def __post_init__(self) -> None:
        whole = type(self).__name__
        object.__setattr__(self, "parts", some_of(self.parts, whole))
        for part in self.parts:
            check_augmentation(part, whole)


class Compose(_Parts):
    """Make the changes of all `parts`, each drawn on the unchanged batch; they are applied once.

    Draws that each keep some node of a graph may have none in common; `apply` then keeps one. What
    two parts drop, mask or add alike is so once, and an edge that is added to a dropped node goes
    with it: then, the shares of the parts do not add up.
    Raises `UserError` without parts, and for parts that are no augmentations.

    >>> Compose((lambda batch, generator: Edit(), lambda batch, generator: Edit()))(None, None)
    Edit(nodes=None, edges=None, masked=None, masked_edges=None, added=None)
    """

    def __call__(self, batch: Batch, generator: Generator) -> Edit:
        """Return the parts' edits, combined."""
        edits = [draw_edit(part, batch, generator) for part in self.parts]
        for edit in edits:
            check_is_edit(edit)
        return reduce(and_, edits)


@names_arguments()
class RandomChoice(_Parts):
    """Make the changes of one of `parts`, chosen uniformly at random for each graph.

    On the CPU, each part is drawn only on the graphs for which it is chosen, if there are any. On a
    device, it is drawn on all graphs and used where it is chosen: the host would have to wait for
    the sizes of its graphs. Raises `UserError` without parts, and for parts that are no
    augmentations.

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
        )
        masks = [choice == k for k in range(len(self.parts))]
        if batch.x.device.type != "cpu":
            drawn = (draw_edit(part, batch, generator) for part in self.parts)
            edits = [_where(edit, batch, mask) for edit, mask in zip(drawn, masks, strict=True)]
        else:
            edits = [
                _spread(draw_edit(part, some, generator), some, batch, nodes, edges)
                for part, (some, nodes, edges) in zip(
                    self.parts, select_each(batch, masks), strict=True
                )
                if some.num_graphs
            ]
        return reduce(and_, edits, Edit())


def masks_edges(augmentation: Augmentation) -> bool:
    """Tell whether an augmentation, or one of its parts, is an `EdgeMask`.

    >>> masks_edges(Compose((EdgeMask(0.2), EdgeMask(0.1)))), masks_edges(Compose((min,)))
    (True, False)
    """
    if isinstance(augmentation, _Parts):
        return any(map(masks_edges, augmentation.parts))
    return isinstance(augmentation, EdgeMask)


def _spread(edit: Edit, some: Batch, batch: Batch, nodes: Tensor, edges: Tensor) -> Edit:
    """Return the edit of some nodes and edges of a batch as one of the whole batch."""
    check_edit(edit, some)

    def whole(part: Tensor | None, size: int, where: Tensor, rest: bool) -> Tensor | None:
        if part is None:
            return None
        return part.new_full((size, *part.shape[1:]), rest).index_copy_(0, where, part)

    return Edit(
        nodes=whole(edit.nodes, batch.num_nodes, nodes, rest=True),
        edges=whole(edit.edges, batch.edge_index.shape[1], edges, rest=True),
        masked=whole(edit.masked, batch.num_nodes, nodes, rest=False),
        masked_edges=whole(edit.masked_edges, batch.edge_index.shape[1], edges, rest=False),
        added=None if edit.added is None else nodes[edit.added],
        paired=edit.paired,
        free=edit.free,
    )


def _where(edit: Edit, batch: Batch, graphs: Tensor) -> Edit:
    """Return the edit of a batch for the graphs of a mask [B], and none for all others.

    Only edges that are added are looked for on the host.
    """
    check_edit(edit, batch)
    nodes = graphs.index_select(0, batch.batch)
    edges = nodes.index_select(0, batch.edge_index[0])
    return Edit(
        nodes=None if edit.nodes is None else edit.nodes | ~nodes,
        edges=None if edit.edges is None else edit.edges | ~edges,
        masked=None if edit.masked is None else edit.masked & nodes[:, None],
        masked_edges=None if edit.masked_edges is None else edit.masked_edges & edges,
        added=None if edit.added is None else edit.added[:, nodes[edit.added[0]]],
        paired=edit.paired,
        free=edit.free,
    )
