"""What graphs and batches of a store mean: it goes with them, and makes a store of them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from graph_hcl.data.fields import real
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

    def named(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Return y, classes and tasks of the graphs, with the names that fit what y holds.

        >>> import torch
        >>> labels = {"y": torch.tensor([1, 0]), "classes": [], "tasks": []}
        >>> Meaning(Vocabulary(Features()), ("inert", "toxic")).named(labels)["classes"]
        ['inert', 'toxic']
        """
        if not labels or labels["classes"]:
            return labels
        y = labels["y"]
        if self.tasks and len(self.tasks) == (*y.shape, 1)[1]:
            return labels | {"tasks": list(self.tasks)}
        known = y[~y.isnan()]
        place = known.long()
        codes = bool(((known == place) & (place >= 0) & (place < len(self.classes))).all())
        return labels | {"classes": list(self.classes)} if y.dim() == 1 and codes else labels


def common_meaning(graphs: Iterable[Any]) -> Meaning | None:
    """Return what all graphs or batches mean; None unless all are of stores that mean the same.

    >>> common_meaning([object()])
    """
    found = {id(each): each for each in (getattr(one, "_meaning", None) for one in graphs)}
    first, *others = found.values()
    return first if all(other == first for other in others) else None


def check_meaning(graphs: Sequence[Any]) -> None:
    """Raise `UserError` for graphs of stores that mean different things.

    So do graphs of a store whose quantities are standardised beside graphs of none.

    >>> check_meaning([object(), object()])
    """
    found = {id(each): each for each in (getattr(one, "_meaning", None) for one in graphs)}
    known = [each for each in found.values() if each is not None]
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
    values: Tensor, name: str, ptr: Tensor, meaning: Meaning, automatic: bool = True
) -> tuple[Tensor, Features] | None:
    """Return x or edge_attr of graphs of a store as that holds it, and the meaning of its columns.

    None where the graphs have other columns since, or `automatic` is false: these are new data.
    Raises `UserError` there if the store's quantities are standardised, which would be so twice.
    """
    features = _levels(meaning)[name]
    if automatic and features.columns and values.dtype.is_floating_point:
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
