"""Errors that name the file or line of a graph instead of its number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from graph_hcl.errors import UserError


@contextmanager
def naming_graphs(places: Sequence[str], where: str) -> Iterator[None]:
    """Raise errors of the block with `places[n]` for graph n, and `where` the graphs are from.

    >>> with naming_graphs(["a.graphml", "b.graphml"], "the folder"):
    ...     raise UserError("Expected at least one node in graph 1, but it is empty.")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: In the folder: expected at least one node in b.graphml, but it is \
empty.
    """
    try:
        yield
    except UserError as error:
        text = re.sub(r"\bgraph (\d+)\b", lambda match: places[int(match[1])], str(error))
        raise UserError(f"In {where}: {text[:1].lower()}{text[1:]}") from error
