"""Files of one graph each: GraphML, GEXF and edge lists, read without executing or expanding."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import networkx

from graph_hcl.data.edge_lists import parse_edges
from graph_hcl.data.names import suffix_of
from graph_hcl.data.tables import open_text, read_all
from graph_hcl.errors import UserError

GRAPHML = b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
"""The first tag of a GraphML file."""
FREE_DEFAULTS = 10_000_000
"""Values that a file's defaults may have beyond one for each of its characters: more is a bomb."""


def read_graph_file(file: Path) -> Any:
    """Return the NetworkX graph in a .graphml, .gexf or .edgelist file, which may end in .gz.

    An edge list has two node names on each line and perhaps a weight, or a dictionary of attributes
    as NetworkX writes it, separated by blanks, tabs or commas; what follows a # is a comment, and
    so is a line that starts with %. Its edges have no direction.

    Raises `UserError` for a file that cannot be read, XML with a document type declaration, which
    could expand without bounds, and a file of several graphs.
    """
    with open_text(file) as stream:
        text = read_all(stream, file)
    if suffix_of(file.name) == ".edgelist":
        return parse_edges(text, file)
    return _parse_xml(text, file, _read_gexf if _is_gexf(file) else _read_graphml)


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
    _fill_defaults(graph, content, file)
    return graph


def _fill_defaults(graph: Any, content: bytes, file: Path) -> None:
    """Give nodes, edges and a graph without an attribute the default that the file declares for it.

    The readers leave the defaults to the graph, an empty one as "None". Raises `UserError` where
    the values would be many more than the file has characters.
    """
    elements = {
        "node_default": [values for _, values in graph.nodes(data=True)],
        "edge_default": [values for *_, values in graph.edges(data=True)],
        "graph_default": [graph.graph],
    }
    defaults = {name: graph.graph.pop(name, {}) for name in elements}
    added = sum(len(defaults[name]) * len(elements[name]) for name in elements)
    if added > FREE_DEFAULTS + len(content):
        raise UserError(
            f"Expected about as many values as {file} has text for, but its defaults make "
            f"{added:,}: write values only where they differ, or leave out the defaults."
        )
    if any("None" in values.values() for values in defaults.values()):
        empty = _empty_defaults(content)
        for values in defaults.values():
            values |= {k: "" for k, v in values.items() if v == "None" and k in empty}
    for name, values in defaults.items():
        for attributes in elements[name] if values else []:
            for key, value in values.items():
                attributes.setdefault(key, value)


def _empty_defaults(content: bytes) -> set[str | None]:
    """Return the names of the attributes whose default is the empty text."""
    return {
        key.get("attr.name") or key.get("title")
        for key in ElementTree.fromstring(content).iter()
        for child in key
        if child.tag.rpartition("}")[2] == "default" and not child.text
    }


class _GraphML(networkx.GraphMLReader):  # type: ignore[misc]
    """NetworkX's reader, with the defaults of keys that it leaves out.

    Those are keys of the graph, and keys of all, or of nothing in particular: nodes and edges.
    """

    def make_graph(self, xml: Any, keys: Any, defaults: Any, graph: Any = None) -> Any:
        """Return the graph with its defaults as `node_default`, `edge_default`, `graph_default`."""
        graph = super().make_graph(xml, keys, defaults, graph)
        names = {"graph": ["graph"], "all": ["node", "edge"]}
        for key, value in defaults.items():
            name, kind = keys[key]["name"], keys[key]["type"]
            for of in names.get(keys[key]["for"] or "all", ()):
                graph.graph.setdefault(f"{of}_default", {}).setdefault(name, kind(value))
        return graph


def _read_graphml(content: Any) -> Any:
    """Return a graph whose edges have the attributes of the user, without the ids of GraphML.

    NetworkX puts these in place of an attribute id, unless it reads them as keys of parallel edges.
    """
    declared = content.read().replace(b"<graphml>", GRAPHML)
    graph = next(_GraphML(force_multigraph=True)(io.BytesIO(declared)), None)
    if graph is None:
        raise networkx.NetworkXError("it has no graph in the namespace of GraphML")
    simple = networkx.DiGraph(graph) if graph.is_directed() else networkx.Graph(graph)
    return simple if simple.number_of_edges() == graph.number_of_edges() else _without_ids(graph)


def _without_ids(graph: Any) -> Any:
    """Return a MultiGraph with counted keys where those it has are the ids of its edges.

    Ids differ for all edges; keys that return, such as kinds of edges, are the user's own.
    """
    keys = [key for *_, key in graph.edges(keys=True)]
    if len({*keys}) < len(keys):
        return graph
    counted = graph.__class__()
    counted.graph.update(graph.graph)
    counted.add_nodes_from(graph.nodes(data=True))
    counted.add_edges_from((u, v, values) for u, v, values in graph.edges(data=True))
    return counted


def _read_gexf(content: Any) -> Any:
    """Return a graph without what GEXF adds to the attributes of the user.

    These are the ids of edges, labels that are the ids of all nodes, and times of the whole.
    """
    graph = networkx.read_gexf(content)
    if all(label in (None, node) for node, label in graph.nodes(data="label")):
        for _, attributes in graph.nodes(data=True):
            attributes.pop("label", None)
    for *_, attributes in graph.edges(data=True):
        attributes.pop("id", None)
    for name in ("mode", "start", "end"):
        graph.graph.pop(name, None)
    return _without_ids(graph) if graph.is_multigraph() else graph
