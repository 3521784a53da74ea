"""Sources of graphs: what each must offer, and which of them reads a data set of a given name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from graph_hcl.data.names import (
    GRAPH_FILES,
    LINES,
    TABLES,
    is_lines,
    is_place,
    is_table,
    suffix_of,
)
from graph_hcl.errors import UserError
from graph_hcl.files import as_path

if TYPE_CHECKING:
    from graph_hcl.data.store import GraphStore


@dataclass(frozen=True)
class Request:
    """What is wanted of a source: the data set's name, where its files are, and how to read them.

    The options, from `node_attributes` on, are those of `graph_hcl.data.load`; at their defaults
    they ask for nothing.
    """

    name: str
    data_dir: str | None = None
    mirror: str | None = None
    node_attributes: bool = False
    smiles: str | None = None
    targets: str | Sequence[str] | None = None
    ids: str | None = None
    groups: str | None = None
    invalid: Literal["error", "skip"] = "error"
    labels: Literal["auto", "classes", "numbers"] = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)


PICKLES = (".pkl", ".pickle", ".gpickle", ".p", ".pt", ".pth", ".joblib")
PLACES = ("name", "data_dir", "mirror")
OPTIONS = tuple(f.name for f in dataclasses.fields(Request) if f.name not in PLACES)


class Source(Protocol):
    """A kind of data sets, such as those of TU Dortmund or tables of SMILES.

    `what` names it in messages, and `takes` are the options of `Request` that it reads; `load`
    refuses all others.
    """

    what: str
    takes: frozenset[str]

    def recognises(self, name: str) -> bool:
        """Tell whether a data set of this name, path or import path is for this source."""
        ...

    def read(self, request: Request) -> GraphStore:
        """Return the graphs, with the sha256 of their raw data as `sha256`.

        Raises `UserError` for a data set that is missing, damaged, or not as the request says.
        """
        ...


def find_source(name: str) -> Source:
    """Return the source that reads the data set called `name`: the first that recognises it.

    >>> find_source("mine.csv").what, find_source("MUTAG").what
    ('a table', 'a TU data set')
    """
    from graph_hcl.registries import SOURCES

    for make in SOURCES.parts():
        source = make()
        if source.recognises(name):
            return source
    raise UserError(f"Expected the name of a data set, but got '{name}'.")


def check_options(source: Source, request: Request) -> None:
    """Raise `UserError` for an option that the source does not take or that has no such value.

    Where the place is none of graphs, no option would do, and that is told.
    """
    check_place(request.name)
    for name in ("invalid", "labels"):
        value, allowed = getattr(request, name), ALLOWED[name]
        if value not in allowed:
            raise UserError(
                f"Expected {name} ({_flag(name)}) as {' or '.join(allowed)}, but got {value!r}."
            )
    usual = Request(request.name)
    for name in OPTIONS:
        value = getattr(request, name)
        if value != getattr(usual, name) and name not in source.takes:
            taken = [_flag(other) for other in OPTIONS if other in source.takes]
            raise UserError(
                f"Expected no {name} ({_flag(name)}) for '{request.name}', but got {value!r}: "
                f"{source.what} takes {', '.join(taken) or 'no options'}."
            )


def check_place(name: str) -> None:
    """Raise `UserError` for a path at which there is neither a folder nor a file of graphs."""
    path = as_path(name, "dataset")
    if not is_place(name) or is_table(name) or is_lines(name) or path.is_dir():
        return
    if not path.exists():
        raise UserError(f"Expected a file or a folder at {path}, but there is none.")
    if suffix_of(path.name) in GRAPH_FILES:
        raise UserError(
            f"Expected a folder of graph files, but got the one graph {path}: give its folder."
        )
    raise UserError(
        f"Expected a file that ends in {', '.join((*TABLES, *LINES))}, or a folder of "
        f"{', '.join(GRAPH_FILES)} files, but got {path}{other_files([path.name])}."
    )


def other_files(names: Iterable[str]) -> str:
    """Return, as the end of a message, what to do about files of Python objects; '' without any.

    >>> other_files(["g.pkl"])[:26], other_files(["g.txt"])
    (': pickles are never read, ', '')
    """
    if not any(suffix_of(name) in PICKLES for name in names):
        return ""
    return ": pickles are never read, so name a function that returns the graphs, package.module:f"


ALLOWED = {"invalid": ("error", "skip"), "labels": ("auto", "classes", "numbers")}


def _flag(name: str) -> str:
    return f"--data.{name.replace('_', '-')}"
