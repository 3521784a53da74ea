"""Labels in whatever form they come."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError

pandas = pytest.importorskip("pandas")

E = torch.tensor([[0, 1], [1, 0]])
NAN = float("nan")


def labelled(*labels, **options):
    graphs = [Data(torch.ones(2, 1), E, y=label) for label in labels]
    return GraphStore.from_data(graphs, **options)


@pytest.mark.parametrize(
    ("labels", "y", "classes"),
    [
        ((1, 0), torch.tensor([1, 0]), []),
        ((-1, 10**12), torch.tensor([-1, 10**12]), []),
        (([1], [0]), torch.tensor([1, 0]), []),
        ((torch.tensor(1), torch.tensor([[0]])), torch.tensor([1, 0]), []),
        ((np.int32(1), np.array([0])), torch.tensor([1, 0]), []),
        ((torch.tensor([1], dtype=torch.uint8), 0), torch.tensor([1, 0]), []),
        ((True, torch.tensor([False])), torch.tensor([1, 0]), []),
        ((0.5, 1), torch.tensor([0.5, 1]), []),
        ((np.float64(0.5), torch.tensor([2.0]).double()), torch.tensor([0.5, 2]), []),
        ((0.5, NAN), torch.tensor([0.5, NAN]), []),
        ((torch.tensor([[1, 0.5]]), [[NAN, 2]]), torch.tensor([[1, 0.5], [NAN, 2]]), []),
        ((np.ones((1, 2), int), torch.tensor([[0, 1]])), torch.tensor([[1, 1], [0, 1]]), []),
        (("b", "a", "b"), torch.tensor([1, 0, 1]), ["a", "b"]),
        ((["b"], np.array("a"), np.str_("b")), torch.tensor([1, 0, 1]), ["a", "b"]),
        ((torch.tensor([0.5], requires_grad=True), 1.0), torch.tensor([0.5, 1]), []),
        (([[1, None]], [[None, 0.5]]), torch.tensor([[1, NAN], [NAN, 0.5]]), []),
        (("b", NAN, "a"), torch.tensor([1, NAN, 0]), ["a", "b"]),
    ],
)  # fmt: skip
def test_labels_of_graphs(labels, y, classes) -> None:
    store = labelled(*labels)
    assert store.y.dtype == y.dtype
    assert torch.equal(store.y.nan_to_num(7), y.nan_to_num(7))
    assert not store.y.requires_grad
    assert store.classes == classes
    assert all(type(word) is str for word in store.classes)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ((0, torch.tensor([0, 1])), r"graph 1 has \[2\]: keep labels of nodes under another name"),
        ((0, torch.ones(2, 1)), r"graph 1 has \[2, 1\]"),
        ((0, torch.ones(0)), r"graph 1 has \[0\]"),
        ((0, []), r"graph 1 has \[0\]"),
        ((0, [1, 2]), r"graph 1 has \[2\]"),
        ((0, "toxic"), "as words or as numbers, but graph 1 differs from graph 0"),
        (("toxic", NAN, 2), "as words or as numbers, but graph 1 differs from graph 0"),
        ((torch.ones(1, 2), torch.ones(1, 3)), "y with 2 tasks .* but graph 1 has 3"),
        ((0, ["a", "b"]), "a number or a word .* graph 1 has"),
        ((0, [[1], [1, 2]]), "a number or a word .* graph 1 has"),
        ((0, {"a": 1}), "a number or a word .* graph 1 has"),
        ((0, 1j), "a number or a word .* graph 1 has"),
        ((0.0, math.inf), "finite labels y, but graph 1"),
        ((0, b"a"), "a number or a word .* graph 1 has"),
    ],
)  # fmt: skip
def test_labels_that_are_none(labels, sentence) -> None:
    with pytest.raises(UserError, match=sentence) as told:
        labelled(*labels)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("given", "y", "classes"),
    [
        ([1, 0], torch.tensor([1, 0]), []),
        ((1, 0), torch.tensor([1, 0]), []),
        (iter([1, 0]), torch.tensor([1, 0]), []),
        (np.array([1, 0], dtype=np.int16), torch.tensor([1, 0]), []),
        (torch.tensor([True, False]), torch.tensor([1, 0]), []),
        (pandas.Series([1, 0], index=[5, 7]), torch.tensor([1, 0]), []),
        (pandas.Series(["b", "a"], index=[5, 7]), torch.tensor([1, 0]), ["a", "b"]),
        (pandas.Series(["b", "a"], dtype="category"), torch.tensor([1, 0]), ["a", "b"]),
        (np.array(["b", "a"]), torch.tensor([1, 0]), ["a", "b"]),
        ([[1.0, NAN], [0, 1]], torch.tensor([[1, NAN], [0, 1]]), []),
        (pandas.DataFrame({"p": [1, 0], "q": [0, 1]}), torch.tensor([[1, 0], [0, 1]]), []),
        (np.array([0.5, 1]), torch.tensor([0.5, 1]), []),
        ([torch.tensor(1), torch.tensor(0)], torch.tensor([1, 0]), []),
        (torch.ones(2, 1).long(), torch.ones(2).long(), []),
        ([1, None], torch.tensor([1, NAN]), []),
        ([None, True], torch.tensor([NAN, 1]), []),
        (np.array([None, "a"]), torch.tensor([NAN, 0]), ["a"]),
        (pandas.Series([None, "a"], dtype="string"), torch.tensor([NAN, 0]), ["a"]),
        ([[1, None], [None, 0.5]], torch.tensor([[1, NAN], [NAN, 0.5]]), []),
        (pandas.DataFrame({"y": [1, 0]}), torch.tensor([1, 0]), []),
        (pandas.DataFrame({"y": ["b", "a"]}), torch.tensor([1, 0]), ["a", "b"]),
        (np.array([[0.5], [2.0]]), torch.tensor([0.5, 2]), []),
        (["Na", "K"], torch.tensor([1, 0]), ["K", "Na"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("door", ["graphs", "store"])
def test_labels_given_win(given, y, classes, door) -> None:
    graphs = [Data(torch.ones(2, 1), E, y="own"), Data(torch.ones(2, 1), E)]
    if door == "store":
        graphs = GraphStore.from_data(graphs, y=["p", "q"])
    if hasattr(given, "__next__"):
        given = iter([1, 0])
    store = GraphStore.from_data(graphs, y=given)
    assert store.y.dtype == y.dtype
    assert torch.equal(store.y.nan_to_num(7), y.nan_to_num(7))
    assert store.classes == classes


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([1], "y with 2 labels, one per graph, but got 1"),
        ([1, 2, 3], "y with 2 labels, one per graph, but got 3"),
        (["a"], "y with 2 labels, one per graph, but got 1"),
        (torch.tensor(1), "y with 2 labels, one per graph, but got 0"),
        ("ab", "y as a list or array of 2 labels, but got str"),
        ({"a": 1, "b": 2}, "but got dict"),
        ({1, 2}, "but got set"),
        (3, "but got int"),
        (["a", 1], "as words or as numbers, but graph 1 differs"),
        ([None, None], "at least one label in y, but all 2 are None: leave y out"),
        ([[1], [1, 2]], "numbers or words"),
        ([1, 1j], "numbers or words"),
        (np.ones((2, 2, 2)), r"y \[graphs\] or \[graphs, tasks\], but got \[2, 2, 2\]"),
        ([0, math.inf], "finite labels y, but graph 1"),
        ([None, "nan"], "at least one label in y, but all 2 are missing"),
        (["0,5", "1,5"], "words or numbers as labels y, but got the text '0,5': give numbers"),
    ],
)  # fmt: skip
def test_labels_given_wrong(given, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        labelled(0, 1, y=given)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([1.0, 0.0, 1.0], [1, 0, 1]),  # as MoleculeNet has them
        ([1, 0, 1], [1, 0, 1]),
        (["b", "a", "b"], [1, 0, 1]),
        ([1.0, NAN, 0.0], None),
        ([0.5, 1.0, 2.0], None),
        ([[1, 0], [0, 1], [1, 1]], None),
    ],
)
def test_what_counts_as_classes(y, classes) -> None:
    graphs = [Data(torch.ones(2, 1), E)] * 3
    store = GraphStore.from_data(graphs, y=y)
    found = store.class_labels
    assert (None if found is None else found.tolist()) == classes
    assert store.num_classes == (2 if classes or y[0] == 1.0 else 0)
    real = dataclasses.replace(store, tasks=["size"])
    assert (real.has_classes, real.class_labels, real.num_classes) == (False, None, 0)


@pytest.mark.parametrize("text", ["nan", "None", "NA", ""])
def test_texts_of_missing_labels_are_no_classes(text) -> None:
    with pytest.warns(UserWarning, match="Of 3 graphs, 1 have no 'y': y is NaN there"):
        given = labelled(0, 0, 0, y=np.array(["b", text, "a"]))
    with pytest.warns(UserWarning, match="Of 3 graphs, 1 have no 'y': y is NaN there"):
        own = labelled("b", text, "a")
    for store in (given, own):
        assert store.classes == ["a", "b"]
        assert store.y.nan_to_num(7).tolist() == [1, 7, 0]
    with pytest.warns(UserWarning, match="have no 'y'"):
        assert labelled(0, 0, y=[1, text]).y.nan_to_num(7).tolist() == [1, 7]


def test_a_real_target_stays_one(tmp_path) -> None:
    y = [0.5, 2.0, 3.0]
    bare = dataclasses.replace(labelled(*y), tasks=[])
    stores = [labelled(*y), labelled(0, 0, 0, y=y), GraphStore.from_data(labelled(0, 0, 0), y=y)]
    for store in stores:
        assert store.tasks == ["y"]
        assert not store[1:].has_classes
        assert store.digest() == bare.digest()  # as before real targets had a name
    part = stores[0][1:]
    part.save(tmp_path / "part.safetensors")
    opened, _ = GraphStore.open(tmp_path / "part.safetensors")
    assert (opened.tasks, opened.has_classes) == (["y"], False)
    assert part.digest() == opened.digest() != bare[1:].digest()  # which are classes
    assert labelled(2.0, 3.0).has_classes
    assert GraphStore.from_data(stores[0], y=["a", "b", "a"]).tasks == []
