"""A list of NetworkX graphs: labels predicted in a pipeline, and a map of the embeddings.

python examples/networkx_map.py    (docs/guides/networkx.md)
"""

import random

import matplotlib.pyplot as plt
import networkx as nx
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graph_hcl import GraphContrast
from graph_hcl.data import GraphStore

draw = random.Random(0)


def network(number: int) -> nx.Graph:
    """Return a network that grew by joining the busiest nodes, or one wired at random."""
    size = draw.randint(15, 40)
    if number % 2:
        graph = nx.barabasi_albert_graph(size, 2, seed=number)
    else:
        graph = nx.gnm_random_graph(size, 2 * size, seed=number)
    for node in graph:
        graph.nodes[node]["role"] = "server" if graph.degree(node) > 5 else "client"
        graph.nodes[node]["load"] = draw.random() * graph.degree(node)
    for *_, edge in graph.edges(data=True):
        edge["length"] = 1 + draw.random()
    return graph


graphs = [network(number) for number in range(40)]
labels = ["grown" if number % 2 else "random" for number in range(40)]


store = GraphStore.from_networkx(
    graphs, node_attrs=["role", "load"], edge_attrs=["length"], y=labels
)
print(store, store.classes)
print(store.vocabulary.node.names())
print(store[0])


attributes = {"node_attrs": ["role", "load"], "edge_attrs": ["length"]}
settings = {"backbone": "gine", "readout": "mean", "random_state": 0, **attributes}
folds = StratifiedKFold(5, shuffle=True, random_state=0)
for epochs in (10, 0):
    encoder = GraphContrast(epochs=epochs, **settings)
    pipeline = make_pipeline(encoder, StandardScaler(), LogisticRegression())
    scores = cross_val_score(pipeline, graphs, labels, cv=folds)
    print(f"{epochs:2} epochs: accuracy {scores.mean():.2f} over {len(scores)} folds")


encoder = GraphContrast(epochs=10, **settings)
points = make_pipeline(encoder, StandardScaler(), PCA(2)).fit_transform(graphs)
for kind in dict.fromkeys(labels):
    chosen = [label == kind for label in labels]
    plt.scatter(*points[chosen].T, label=kind)
plt.legend()
plt.savefig("map.png")
