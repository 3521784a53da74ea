"""What graphs and batches of a store mean: it goes with them, and makes a store of them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from graph_hcl.data.fields import real
from graph_hcl.data.given import Given, checksum
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError


@dataclass(frozen=True)
class Meaning:
    """What the graphs of a store do not say themselves.

    Attributes:
        vocabulary: the meaning of the columns of x and edge_attr.
        classes: names of the values of y.
        tasks: names of the columns of y.
    """

    vocabulary: Vocabulary
    classes: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields that it tells of: it holds for those that are as the store gave them.

        Computed degrees are those of the edges.
        """
        telling = {
            "x": self.vocabulary.node.columns,
            "edge_attr": self.vocabulary.edge.columns,
            "y": self.classes or self.tasks,
            "edge_index": self.vocabulary.node.are_degrees,
        }
        return tuple(name for name, tells in telling.items() if tells)


def common_meaning(graphs: Iterable[Any]) -> Meaning | None:
    """Return what all graphs or batches mean; None unless all are of stores that mean the same.

    >>> common_meaning([object()])
    """
    first, *others = _meanings(graphs)
    return first if all(other == first for other in others) else None


def _meanings(graphs: Iterable[Any]) -> list[Meaning | None]:
    """Return the different objects that graphs or batches carry, None for those of no store."""
    carried = (getattr(one, "_meaning", None) for one in graphs)
    found = (each if isinstance(each, Meaning) else None for each in carried)
    return [*{id(each): each for each in found}.values()]


def give_to_graph(graph: Any, meaning: Meaning, fields: Mapping[str, Tensor]) -> None:
    """Let a graph carry what those of its fields mean that are as the store gave them.

    Their checksums go along: a graph may be edited, copied and saved.
    """
    told = (name for name in meaning.fields if name in fields)
    graph._meaning = meaning
    graph._given = {name: checksum(fields[name]) for name in told}


def give_to_batch(batch: Any, meaning: Meaning, fields: Mapping[str, Tensor]) -> None:
    """The same of a batch, whose bytes are not read before they are asked for."""
    told = (name for name in meaning.fields if name in fields)
    batch._meaning = meaning
    batch._given = {name: Given(fields[name]) for name in told}


def unchanged(graphs: Sequence[Any], meaning: Meaning) -> set[str]:
    """Return the fields that are in all graphs or batches as a store or a view gave them.

    >>> unchanged([object()], Meaning(Vocabulary(Features())))
    set()
    """
    return {name for name in meaning.fields if all(_is_as_given(one, name) for one in graphs)}


def _is_as_given(graph: Any, name: str) -> bool:
    given: Mapping[str, Given | int | None] = getattr(graph, "_given", {})
    known = given.get(name)
    if isinstance(known, Given):
        return known.holds(graph.get(name))
    return known is not None and known == checksum(graph.get(name))


def check_meaning(graphs: Sequence[Any]) -> None:
    """Raise `UserError` for graphs of stores that mean different things.

    So do graphs of a store whose quantities are standardised beside graphs of none.

    >>> check_meaning([object(), object()])
    """
    found = _meanings(graphs)
    known = [each for each in found if each is not None]
    if any(other != known[0] for other in known[1:]):
        raise UserError(
            "Expected graphs of one store, but got graphs of stores whose columns or classes mean "
            "different things: join the stores by GraphStore.concat."
        )
    if known and len(known) < len(found):
        for name, features in _levels(known[0]).items():
            if features.scaled:
                raise _changed(name)


def restored(
    values: Tensor, name: str, ptr: Tensor, meaning: Meaning, as_given: bool
) -> tuple[Tensor, Features] | None:
    """Return x or edge_attr of graphs of a store as that holds it, and the meaning of its columns.

    None unless it is `as_given`: these are new data. Raises `UserError` there if the store's
    quantities are standardised, which would be so twice.
    """
    features = _levels(meaning)[name]
    if as_given and features.columns and values.dtype.is_floating_point:
        stored = features.decode(real(values, name, ptr))
        if stored is not None:
            return stored, features
    if features.scaled:
        raise _changed(name)
    return None


def _levels(meaning: Meaning) -> dict[str, Features]:
    return {"x": meaning.vocabulary.node, "edge_attr": meaning.vocabulary.edge}


def _changed(name: str) -> UserError:
    return UserError(
        f"Expected {name} of all graphs as a store gives it whose quantities are standardised, "
        "but got others, too, which would not have its scale: choose graphs of it as a store, "
        "such as store[[0]], or take them from the store before it was fitted."
    )
