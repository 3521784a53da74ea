"""Objects in place of the names of parts in a config: backbone, objective, views, read-out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.registries import NAMED_BY
from graph_hcl.registry import IN_MEMORY, Registry, label_of, path_of


@dataclass(frozen=True)
class Parts:
    """Objects that take the place of names in a config; None leaves the name.

    `backbone` is a class, a `functools.partial` or a function that makes a network, see
    `graph_hcl.nn.make_backbone`. `objective` is an instance of a loss or a function `loss(z,
    graph=…, label=…)`, with its own settings; a class is made with those of the config, as a named
    one is. `views` are augmentations, as text or as objects `(batch, generator) -> Edit`. `readout`
    is a pooling function, one of PyG's aggregations, or a class of these.

    >>> from graph_hcl.losses import HUCL
    >>> Parts(objective=HUCL(beta=2.0)).named(Config(dataset="MUTAG")).objective
    'in memory: HUCL'
    """

    backbone: Callable[..., Any] | None = None
    objective: Any = None
    views: Sequence[Any] | None = None
    readout: Callable[..., Any] | None = None

    def named(self, config: Config) -> Config:
        """Return the config with a name in the place of each object, to be kept with a model.

        A class or function that can be imported is named by its import path, so that a model is
        loaded without the object. Anything else is marked as "in memory", and must be handed over
        again. Raises `UserError` for an object beside the name of another part.
        """
        names: dict[str, Any] = {}
        for setting in ("backbone", "objective", "readout"):
            part = getattr(self, setting)
            if part is not None:
                names[setting] = _name(part, NAMED_BY[setting], setting)
        if self.views is not None:
            names["views"] = [
                view if isinstance(view, str) else _view_name(view, config.views)
                for view in self.views
            ]
        for setting, name in names.items():
            given, default = getattr(config, setting), getattr(Config(), setting)
            marks = [given] if isinstance(given, str) else given
            if given != name and any(mark.startswith(IN_MEMORY) for mark in marks):
                raise UserError(
                    f"Expected the {setting} {shown(given)} again, which the model was trained "
                    f"with, but got {shown(name)}: hand over one like it."
                )
            if given not in (name, default):
                raise UserError(
                    f"Expected --{setting} or an object in its place, but got both {shown(given)} "
                    f"and {shown(name)}: leave one of them out."
                )
        return dataclasses.replace(config, **names)

    def copied(self) -> Parts:
        """Return the parts with copies of the objects that may hold state.

        Raises `UserError` for an objective or view that cannot be copied.
        """
        return dataclasses.replace(
            self,
            objective=fresh(self.objective, "objective"),
            views=None if self.views is None else fresh(list(self.views), "augmentation"),
        )


NO_PARTS = Parts()
"""No objects: all parts are those that the config names."""


def fresh(part: Any, kind: str) -> Any:
    """Return a copy of a part, so that no state goes from one training to the next.

    >>> fresh([1], "objective")
    [1]
    """
    try:
        return copy.deepcopy(part)
    except (TypeError, RuntimeError, AttributeError) as error:
        raise UserError(
            f"Expected an {kind} that can be copied for each training, but copying fails "
            f"({error}): give it a __deepcopy__."
        ) from error


def shown(name: str | list[str]) -> str:
    """Return the name of a part as messages show it, without the mark of an object.

    >>> shown("in memory: Bonds"), shown("gin")
    ('Bonds', 'gin')
    """
    return ", ".join(map(shown, name)) if isinstance(name, list) else name.removeprefix(IN_MEMORY)


def _name(part: Any, registry: Registry[Any], setting: str) -> str:
    """Return the registered name or the import path of a part, or the mark of an object."""
    # An import path names what makes an objective, and a function is one itself.
    makes = isinstance(part, type) or (isinstance(part, FunctionType) and setting != "objective")
    if makes and (registered := registry.name_of(part)):
        return registered
    path = path_of(part) if makes else None
    return path or IN_MEMORY + label_of(part)


def _view_name(view: Any, before: Sequence[str]) -> str:
    """Return the text of an augmentation where that is all there is to it, or its mark.

    The mark it had `before` stays: earlier versions gave one to functions with an import path.
    """
    from graph_hcl.augment import parse, spec

    mark = IN_MEMORY + label_of(view)
    try:
        text = spec(view)
        return mark if mark in before or parse(text) != view else text
    except (TypeError, ValueError):  # it has no fields, or no numbers in them
        return mark
