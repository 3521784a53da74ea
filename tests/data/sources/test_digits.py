"""The digits, equal to an independent loop over pixels."""

import torch
from sklearn.datasets import load_digits

from graph_hcl.data import load


def test_equal_to_a_loop() -> None:
    store, digits = load("digits"), load_digits()
    for number in [*range(0, 1797, 13), 1796]:
        image = digits.images[number]
        ink = [(r, c) for r in range(8) for c in range(8) if image[r, c] > 0]
        x = [[image[r, c] / 16, r / 7, c / 7] for r, c in ink]
        edges = [
            (i, j)
            for i, (r, c) in enumerate(ink)
            for j, (s, t) in enumerate(ink)
            if i != j and max(abs(r - s), abs(c - t)) == 1
        ]
        graph = store[number]
        assert torch.allclose(graph.x, torch.tensor(x, dtype=torch.float))
        assert graph.edge_index.t().tolist() == [list(edge) for edge in edges]
        assert int(graph.y) == digits.target[number]
    assert len(store) == len(digits.target)
    assert store.is_sorted_undirected
    assert (store.num_classes, store.classes) == (10, [])
    assert store.vocabulary.node.names() == ["intensity", "row", "column"]
    assert load("Digits").sha256 == store.sha256
