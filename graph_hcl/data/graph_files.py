"""Files of one graph each: GraphML, GEXF and edge lists, read without executing or expanding."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

import networkx

from graph_hcl.data.names import suffix_of
from graph_hcl.data.tables import open_text, read_all
from graph_hcl.data.targets import parse_number
from graph_hcl.errors import UserError


def read_graph_file(file: Path) -> Any:
    """Return the NetworkX graph in a .graphml, .gexf or .edgelist file, which may end in .gz.

    An edge list has two node names on each line and perhaps a weight, separated by blanks, tabs or
    commas; what follows a # is a comment. Its edges have no direction.

    Raises `UserError` for a file that cannot be read, XML with a document type declaration, which
    could expand without bounds, and a file of several graphs.
    """
    with open_text(file) as stream:
        text = read_all(stream, file)
    if suffix_of(file.name) == ".edgelist":
        return parse_edges(text, file)
    return _parse_xml(text, file, networkx.read_gexf if _is_gexf(file) else networkx.read_graphml)


def _is_gexf(file: Path) -> bool:
    return suffix_of(file.name) == ".gexf"


def check_xml(content: bytes, file: Path) -> int:
    """Return the number of nodes that XML lists.

    Raises `UserError` for XML that is malformed, has a DTD, or does not hold exactly one graph.
    """
    parser, found = expat.ParserCreate(), {"graph": 0, "node": 0}

    def refuse_dtd(*_: Any) -> None:
        raise UserError(
            f"Expected XML without a document type declaration in {file}, but it has one, which "
            "could expand without bounds: remove the <!DOCTYPE …>."
        )

    def count(name: str, _: Any) -> None:
        local = name.rpartition(":")[2]
        if local in found:
            found[local] += 1

    def check_encoding(_: str, encoding: str | None, __: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise UserError(
                f"Expected UTF-8 in {file}, but it declares {encoding}: save it as UTF-8."
            )

    parser.XmlDeclHandler = check_encoding
    parser.StartDoctypeDeclHandler = refuse_dtd
    parser.StartElementHandler = count
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UserError(f"Expected XML in {file}, but it is none: {error}.") from error
    if found["graph"] != 1:
        raise UserError(
            f"Expected one graph in {file}, but got {found['graph']}: write each to its own file."
        )
    return found["node"]


def _parse_xml(text: str, file: Path, read: Callable[[Any], Any]) -> Any:
    content = text.encode()
    nodes = check_xml(content, file)
    try:
        graph = read(io.BytesIO(content))
    except Exception as error:  # of whatever kind: the readers raise RuntimeError, too
        raise UserError(
            f"Expected {file} to be {suffix_of(file.name)[1:]}, but it cannot be read ({error})."
        ) from error
    if len(graph) != nodes:  # the readers merge namesakes and add what edges name
        raise UserError(
            f"Expected each node of {file} once, with an id of its own, but its {nodes} nodes and "
            f"its edges name {len(graph)}."
        )
    _drop_bookkeeping(graph)
    return graph


def _drop_bookkeeping(graph: Any) -> None:
    """Remove what the formats and their readers add to the attributes that a user gave."""
    for node, attributes in graph.nodes(data=True):
        if attributes.get("label") == str(node):
            del attributes["label"]
    for *_, attributes in graph.edges(data=True):
        attributes.pop("id", None)
    for name in ("mode", "node_default", "edge_default", "start", "end", "timeformat"):
        graph.graph.pop(name, None)


def parse_edges(text: str, file: Path) -> Any:
    r"""Return the graph of an edge list; raise `UserError`, with the line, for a wrong one.

    >>> parse_edges("a b 0.5\n# a comment\nb c 2\n", Path("g.edgelist")).edges(data=True)
    EdgeDataView([('a', 'b', {'weight': 0.5}), ('b', 'c', {'weight': 2.0})])
    """
    graph, width = networkx.Graph(), 0
    for line, row in enumerate(text.splitlines(), 1):
        words = row.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        width = width or len(words)
        weight = parse_number(words[2]) if len(words) == 3 else None
        if len(words) != width or width not in (2, 3) or (width == 3 and weight is None):
            raise UserError(
                f"Expected two nodes and perhaps a weight on each line of {file}, but line {line} "
                f"has '{row.strip():.60}'."
            )
        values = {} if weight is None else {"weight": weight}
        if graph.get_edge_data(*words[:2], default=values) != values:
            raise UserError(
                f"Expected each edge once in {file}, but line {line} gives {words[0]} {words[1]} "
                "another weight: edges of a list have no direction."
            )
        graph.add_edge(*words[:2], **values)
    return graph
