"""A list of NetworkX graphs: labels predicted in a pipeline, and a map of the embeddings.

python examples/networkx_map.py [map.png]
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import networkx as nx
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graph_hcl import GraphContrast

graphs = [nx.random_regular_graph(3, n, seed=n) for n in range(10, 50, 2)]
graphs += [nx.barabasi_albert_graph(n, 2, seed=n) for n in range(10, 50, 2)]
labels = ["regular"] * 20 + ["scale-free"] * 20

# Inside a pipeline the encoder is trained anew on the training part of each fold: nothing leaks.
encoder = GraphContrast(epochs=5, hidden=16, layers=2, readout="mean", random_state=0)
pipeline = make_pipeline(encoder, StandardScaler(), LogisticRegression())
folds = StratifiedKFold(5, shuffle=True, random_state=0)
scores = cross_val_score(pipeline, graphs, labels, cv=folds)
print(f"accuracy {scores.mean():.2f} over {len(scores)} folds")

points = make_pipeline(encoder, StandardScaler(), PCA(2)).fit_transform(graphs)
for kind in dict.fromkeys(labels):
    chosen = [label == kind for label in labels]
    plt.scatter(*points[chosen].T, label=kind)
plt.legend()
plt.savefig(sys.argv[1] if len(sys.argv) > 1 else "map.png")
