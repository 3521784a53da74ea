"""Edge lists: two nodes on each line, and perhaps a weight or a dictionary of attributes."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx

from graph_hcl.data.numerals import parse_number
from graph_hcl.errors import UserError

DICTIONARY = re.compile(r"\s*([^\s,#%][^\s,#]*)[\s,]+([^\s,#]+)[\s,]+(\{.*\})\s*(?:#[^}]*)?")
"""Two nodes and a dictionary of attributes, perhaps with a comment."""
NO_NUMBER = re.compile(r":\s*([-+]?(?:nan|inf))\s*[,}]", re.IGNORECASE)
"""An attribute without a value, as NetworkX writes it."""
LONGEST = 100_000
"""Characters of such a dictionary."""
HEADERS = (
    {"source", "target"},
    {"source", "destination"},
    {"src", "dst"},
    {"src", "dest"},
    {"from", "to"},
    {"fromnode", "tonode"},
    {"node1", "node2"},
    {"nodea", "nodeb"},
    {"vertex1", "vertex2"},
    {"id1", "id2"},
    {"start", "end"},
    {"head", "tail"},
    {"u", "v"},
    {"i", "j"},
)
"""Pairs of words in the header of a table of edges, without capitals, marks or the word id."""


def is_header(words: Sequence[str]) -> bool:
    """Tell whether the first words of an edge list are the usual names of columns.

    >>> is_header(["source", "Target"]), is_header(["node_1", "node_2"]), is_header(["a", "b"])
    (True, True, False)
    """
    plain = (re.sub(r"[\W_]", "", word.casefold()) for word in words[:2])
    return {word.removesuffix("id") for word in plain} in HEADERS


def parse_edges(text: str, file: Path) -> Any:
    r"""Return the graph of an edge list; raise `UserError`, with the line, for a wrong one.

    A first line of usual names of columns is wrong, unless further edges lead to such nodes.

    A dictionary of attributes may be in the place of the weight, as NetworkX writes them.

    >>> parse_edges("a b 0.5\n# a comment\n% another\nb c 2\n", Path("g.edgelist")).edges(data=True)
    EdgeDataView([('a', 'b', {'weight': 0.5}), ('b', 'c', {'weight': 2.0})])
    """
    graph, width, first = networkx.Graph(), 0, None
    for line, row in enumerate(text.splitlines(), 1):
        words, values = _split_edge(row)
        if not words or words[0].startswith("%"):
            continue
        if not width:
            width = len(words)
            first = words if is_header(words) else None
            if first and width == 3 and values is None:
                raise _header(first, file)
        if len(words) != width or width not in (2, 3) or values is None:
            raise UserError(
                f"Expected two nodes and perhaps a weight on each line of {file}, but line {line} "
                f"has '{row.strip():.60}': {_way_out(row, words, values)}."
            )
        if graph.get_edge_data(*words[:2], default=values) != values:
            raise UserError(
                f"Expected each edge once in {file}, but line {line} gives {words[0]} {words[1]} "
                f"{_difference(values)}: edges of a list have no direction."
            )
        graph.add_edge(*words[:2], **values)
    if first and all(graph.degree(word) == 1 for word in first[:2]):
        raise _header(first, file)
    return graph


def _split_edge(row: str) -> tuple[list[str], dict[str, Any] | None]:
    """Return the words of a line without its comment, and the attributes of its edge.

    These are None where the third word is none. A dictionary is one word.
    """
    if found := DICTIONARY.fullmatch(row):
        return [*found.groups()], _attributes(found[3])
    words = row.partition("#")[0].replace(",", " ").split()
    if len(words) != 3:
        return words, {}
    weight = parse_number(words[2])
    return words, None if weight is None else {"weight": weight}


def _attributes(text: str) -> dict[str, Any] | None:
    """Return a dictionary of attributes, with a number as weight; None for any other text."""
    if len(text) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know
            values = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        return None
    if "weight" in values:
        weight = values["weight"]
        if type(weight) not in (int, float) or parse_number(repr(weight)) is None:
            return None
        values["weight"] = float(weight)
    return values


def _difference(values: dict[str, Any]) -> str:
    return "another weight" if list(values) == ["weight"] else "other attributes"


def _way_out(row: str, words: Sequence[str], values: dict[str, Any] | None) -> str:
    """Return what to do about a line of another form."""
    if ";" in row:
        return "separate nodes by blanks, tabs or commas"
    if len(words) == 1:
        return "leave out nodes without edges, or write GraphML (networkx.write_graphml)"
    if values is None and (found := NO_NUMBER.search(row)):
        return f"{found[1]} is no number, so fill it in, or leave it out"
    if values is None:
        return (
            "write the list by networkx.write_edgelist(…, data=False) or write_weighted_edgelist, "
            "or GraphML, which keeps all attributes"
        )
    return "keep two columns or three in all lines, or read the file by a function of yours"


def _header(words: Sequence[str], file: Path) -> UserError:
    return UserError(
        f"Expected two nodes on each line of {file}, but its first line '{' '.join(words)}' names "
        "columns: delete it, or rename these nodes."
    )
