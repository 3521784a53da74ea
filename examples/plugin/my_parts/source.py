"""A source of graphs: a function that returns them."""

import networkx as nx


def rings_and_stars(number: int = 20) -> list[nx.Graph]:
    """Return labelled NetworkX graphs; PyG's Data, SMILES or a GraphStore will do as well."""
    graphs = []
    for size in range(4, 4 + number):
        for label, graph in (("ring", nx.cycle_graph(size)), ("star", nx.star_graph(size))):
            graph.graph["y"] = label
            graphs.append(graph)
    return graphs
