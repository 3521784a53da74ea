"""The handwritten digits of scikit-learn as graphs of their ink: real data without a network."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from graph_hcl.data.cards import get_card
from graph_hcl.data.columns import Column
from graph_hcl.data.fields import ends
from graph_hcl.data.sources import Request
from graph_hcl.data.statistics import check_statistics, statistics
from graph_hcl.data.store import GraphStore
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError

NEIGHBOURS = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]


class Digits:
    """1 797 images of 8 × 8 pixels, ten classes.

    The pixels with ink are the nodes, row by row, with the features intensity / 16, row / 7 and
    column / 7, and each has edges to those of its eight neighbours that have ink.
    """

    what = "the data set digits"
    takes: frozenset[str] = frozenset()

    def recognises(self, name: str) -> bool:
        """Tell whether the name is digits."""
        return name == "digits"

    def read(self, request: Request) -> GraphStore:
        """Return the graphs.

        >>> Digits().read(Request("digits"))
        GraphStore(1797 graphs, 3 node features, 319784 edges, y)
        """
        from sklearn.datasets import load_digits

        images, y = load_digits(return_X_y=True)
        images = images.reshape(-1, 8, 8)
        ink = images > 0
        graph, row, column = ink.nonzero()
        node_ptr = ends(torch.from_numpy(ink.sum((1, 2))))
        number = np.full((len(images), 10, 10), -1)  # of each pixel in its graph; −1 around them
        first = node_ptr[:-1].numpy()
        number[graph, row + 1, column + 1] = np.arange(len(graph)) - first[graph]
        around = np.stack([number[graph, row + 1 + r, column + 1 + c] for r, c in NEIGHBOURS], 1)
        node, _ = (around >= 0).nonzero()
        source, target = number[graph, row + 1, column + 1][node], around[around >= 0]
        x = np.stack([images[graph, row, column] / 16, row / 7, column / 7], 1)
        names = ("intensity", "row", "column")
        store = GraphStore(
            x=torch.from_numpy(x).float(),
            edge_index=torch.from_numpy(np.stack([source, target])),
            node_ptr=node_ptr,
            edge_ptr=ends(torch.from_numpy(np.bincount(graph[node], minlength=len(images)))),
            y=torch.from_numpy(y).long(),
            vocabulary=Vocabulary(Features(tuple(map(Column, names)))),
            sha256=_checked_sha256(images, y),
        )
        check_statistics(get_card("digits"), statistics(store), "scikit-learn's package")
        return store


def _checked_sha256(images: np.ndarray, y: np.ndarray) -> str:
    """Return the sha256 of the images and labels; raise `UserError` if the card has another."""
    content = images.astype("<f8").tobytes() + y.astype("<i8").tobytes()
    sha256, card = hashlib.sha256(content).hexdigest(), get_card("digits")
    if sha256 != card.sha256["images"]:
        raise UserError(
            f"Expected the published digits in scikit-learn's package, but got others (sha256 "
            f"{sha256[:12]}…): install it again."
        )
    return sha256
