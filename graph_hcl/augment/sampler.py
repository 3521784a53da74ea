"""Views of the batches of an epoch: drawn for several small batches at once, given one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch_geometric.data import Batch

from graph_hcl.augment.apply_edit import Applied
from graph_hcl.augment.combine import check_augmentation, some_of
from graph_hcl.augment.draw import draw_edit
from graph_hcl.augment.edit import Augmentation
from graph_hcl.augment.tensors import check_generator
from graph_hcl.data.batch import concat
from graph_hcl.data.collect import known_store
from graph_hcl.data.indexing import Indices, as_number, positions
from graph_hcl.data.store import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.ranges import Range
from graph_hcl.setting_checks import check_value

if TYPE_CHECKING:
    from graph_hcl.nn import ContrastiveNetwork

Encode = Callable[["ContrastiveNetwork", Batch], Tensor]
"""Features z [B, d] of a batch by a model."""

MAX_ELEMENTS_PER_DRAW = 2**18
"""Most nodes and edges of views that are drawn at once, unless one batch has more: larger groups
amortise call overhead but fit the cache less well."""
MAX_VALUES_PER_DRAW = 2**24
"""Most values of x of views that are drawn at once (64 MB): wide features reach it first."""
_HOST = torch.device("cpu")


def encode_plainly(model: ContrastiveNetwork, batch: Batch) -> Tensor:
    """Return `model(batch)`: the features [B, d] of a batch as most methods compute them.

    >>> encode_plainly(lambda batch: batch + 1, 1)
    2
    """
    features: Tensor = model(batch)
    return features


@dataclass(frozen=True)
class View:
    """One view of each graph: how its graphs are augmented, and how a model encodes them.

    `encode` maps a model and a batch to features [B, d], as what `graph_hcl.nn.perturbed` returns
    does for SimGRACE. Raises `UserError` for what is no augmentation, or no function.

    >>> from graph_hcl.augment import Identity
    >>> View(Identity()).encode is encode_plainly
    True
    """

    augmentation: Augmentation
    encode: Encode = encode_plainly

    def __post_init__(self) -> None:
        check_augmentation(self.augmentation, "a View")
        if isinstance(self.encode, type) or not callable(self.encode):
            raise UserError(
                "Expected encode to be a function of a model and a batch, but got "
                f"{self.encode!r:.60}."
            )


class SampledView(NamedTuple):
    """A batch of augmented graphs, and how a model encodes it.

    Attributes:
        batch: the augmented graphs.
        encode: maps a model and the batch to features.

    >>> from torch_geometric.data import Data
    >>> graph = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]))
    >>> store = GraphStore.from_data([graph, graph])
    >>> from graph_hcl.augment import Identity
    >>> [(view,)] = ViewSampler([Identity()])(store, [torch.arange(2)], torch.Generator())
    >>> view.batch
    DataBatch(x=[4, 1], edge_index=[2, 4], batch=[4], ptr=[3])
    """

    batch: Batch
    encode: Encode = encode_plainly

    def features(self, model: ContrastiveNetwork) -> Tensor:
        """Return the features z [B, d] of the batch."""
        return self.encode(model, self.batch)


@names_arguments()
class ViewSampler:
    """Draws views of batches of a store: one for each of `views`, given as `View` or augmentation.

    Called with a store, the graphs of each batch and a generator on the store's device, it yields
    the sampled views of each batch. Views that are all encoded plainly come as one batch, the first
    view's graphs first: the encoder runs once, and batch normalisation sees all views together, as
    in SimCLR. With `per_view`, or with another `encode`, each view is a batch of its own.

    Several small batches are drawn at once, up to `max_elements` nodes and edges and `max_values`
    values of x, and with them all views where all augmentations are equal. On a GPU, the next ones
    are drawn before the views of these are given out: the host never waits for a draw with nothing
    else for the device to do, but for the first.

    Args:
        views: one `View` or augmentation for each view.
        per_view: each view is a batch of its own.
        max_elements: most nodes and edges of the batches that are drawn at once; may be infinite.
        max_values: most values of x of the batches that are drawn at once; may be infinite.

    Raises `UserError` without views, and for a view that is no augmentation, such as its text.

    >>> from torch_geometric.data import Data
    >>> from graph_hcl.augment import Identity
    >>> edges, parts = torch.tensor([[0, 1], [1, 0]]), torch.arange(4).split(2)
    >>> store = GraphStore.from_data([Data(torch.ones(2, 1), edges) for _ in range(4)])
    >>> sampler = ViewSampler([Identity(), Identity()])
    >>> for (view,) in sampler(store, parts, torch.Generator()):
    ...     print(view.batch)
    DataBatch(x=[8, 1], edge_index=[2, 8], batch=[8], ptr=[5])
    DataBatch(x=[8, 1], edge_index=[2, 8], batch=[8], ptr=[5])
    """

    def __init__(
        self,
        views: Sequence[View | Augmentation],
        per_view: bool = False,
        *,
        max_elements: float = MAX_ELEMENTS_PER_DRAW,
        max_values: float = MAX_VALUES_PER_DRAW,
    ) -> None:
        given = some_of(views, "a ViewSampler")
        self.views = tuple(view if isinstance(view, View) else View(view) for view in given)
        self.joint = not per_view and all(view.encode is encode_plainly for view in self.views)
        self._together = self.joint and all(view == self.views[0] for view in self.views)
        for name, most in (("max_elements", max_elements), ("max_values", max_values)):
            check_value(name, most, float, Range(0, infinite=True))
        self.max_elements = max_elements
        self.max_values = max_values

    def __call__(
        self, store: GraphStore, parts: Iterable[Indices], generator: Generator
    ) -> Iterator[list[SampledView]]:
        """Return an iterator of the sampled views of each of the `parts`.

        Each holds numbers of graphs, as a tensor or anything else that a store is indexed with.
        Raises `UserError` for other parts, for what is no store, for what is no generator, and for
        an augmentation of one's own that changes the batch instead of returning an `Edit` of it.
        """
        known_store(store)
        check_generator(generator)
        return self._drawn(store, _numbers(parts, len(store)), generator)

    def _drawn(
        self, store: GraphStore, parts: Sequence[Tensor], generator: Generator
    ) -> Iterator[list[SampledView]]:
        ahead = 0 if store.x.device.type == "cpu" else 1
        begun: deque[Applied] = deque()
        for group in self._groups(store, parts):
            begun.append(self._begin(store, group, generator))
            if len(begun) > ahead:
                yield from self._views(begun.popleft().parts())
        while begun:
            yield from self._views(begun.popleft().parts())

    def _begin(self, store: GraphStore, parts: list[Tensor], generator: Generator) -> Applied:
        """Draw the views of some parts; to cut them, the host must know what stays of each.

        The batch before the edits is freed once they are cut, before any view is encoded.
        """
        augmentations = [view.augmentation for view in self.views]
        if self._together:  # one call draws all views of each part
            augmentations = augmentations[:1]
            parts = [part.repeat(len(self.views)) for part in parts]
        batch = store.batch(torch.cat(parts))
        edits = [draw_edit(augmentation, batch, generator) for augmentation in augmentations]
        return Applied(batch, edits, list(map(len, parts)))

    def _views(self, drawn: list[list[Batch]]) -> Iterator[list[SampledView]]:
        """Yield the sampled views of each part, given what each augmentation made of all parts."""
        for batches in zip(*drawn, strict=True):
            if self.joint:
                yield [SampledView(concat(batches) if len(batches) > 1 else batches[0])]
            else:
                encoders = (view.encode for view in self.views)
                yield list(map(SampledView, batches, encoders))

    def _groups(self, store: GraphStore, parts: Sequence[Tensor]) -> Iterator[list[Tensor]]:
        """Yield the parts in groups whose views together have about the size of one draw."""
        graphs = len(self.views) * max([1, *map(len, parts)])
        counts = (
            self.max_elements / (graphs * store.mean_size or 1),
            self.max_values / (graphs * store.mean_values),
        )
        count = max(1, int(min(*counts, max(1, len(parts)))))
        for start in range(0, len(parts), count):
            yield list(parts[start : start + count])


def _numbers(parts: Any, count: int) -> list[Tensor]:
    """Return the numbers of the graphs of each part, on the host unless they are tensors of them.

    Raises `UserError` for what is no list of parts, such as the graphs of one.
    """
    some = list(parts) if isinstance(parts, Iterable) and not isinstance(parts, str) else None
    if some is None or any(as_number(part) is not None for part in some):
        raise UserError(
            "Expected parts as a list that holds the graphs of each batch, such as "
            f"torch.arange(6).split(2), but got {parts!r:.60}."
        )
    return [part if _is_numbers(part) else positions(part, count, _HOST) for part in some]


def _is_numbers(part: Any) -> bool:
    return isinstance(part, Tensor) and part.dtype == torch.long and part.dim() == 1
