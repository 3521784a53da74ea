"""One door for graphs of any kind, and one sentence for what is none."""

import networkx as nx
import numpy as np
import pandas
import pytest
import torch
from torch_geometric.data import Batch, Data, InMemoryDataset

from graph_hcl.data import GraphStore, as_store, load
from graph_hcl.errors import UserError

EDGES = torch.tensor([[0, 1], [1, 0]])
DATA = [Data(x=torch.ones(2, 1), edge_index=EDGES), Data(x=torch.zeros(2, 1), edge_index=EDGES)]
NX = [nx.path_graph(2), nx.path_graph(3)]


class Set(InMemoryDataset):
    def __init__(self) -> None:
        super().__init__()
        self.data, self.slices = self.collate(DATA)


def generated():
    yield from DATA


@pytest.mark.parametrize(
    ("graphs", "want"),
    [
        (DATA, GraphStore.from_data(DATA)),
        (tuple(DATA), GraphStore.from_data(DATA)),
        (generated, GraphStore.from_data(DATA)),
        (Batch.from_data_list(DATA), GraphStore.from_data(DATA)),
        (Set(), GraphStore.from_data(DATA)),
        (GraphStore.from_data(DATA), GraphStore.from_data(DATA)),
        (NX, GraphStore.from_networkx(NX)),
        (["C", "O"], GraphStore.from_smiles(["C", "O"])),
        (np.array(["C", "O"]), GraphStore.from_smiles(["C", "O"])),
        (pandas.Series(["C", "O"], index=[4, 5]), GraphStore.from_smiles(["C", "O"])),
    ],
)
@pytest.mark.parametrize("y", [None, ["b", "a"]])
def test_all_kinds(graphs, want, y) -> None:
    store = as_store(graphs() if graphs is generated else graphs, y=y)
    assert torch.equal(store.x, want.x)
    assert torch.equal(store.edge_index, want.edge_index)
    assert store.vocabulary == want.vocabulary
    assert store.classes == (["a", "b"] if y else [])


def test_names_and_paths(tmp_path) -> None:
    assert as_store("mutag", y=range(188)).y.tolist() == list(range(188))
    (tmp_path / "m.csv").write_text("smiles,y,id\nC,1,a\nO,0,b\n", encoding="utf-8")
    store = as_store(tmp_path / "m.csv", targets="y", ids="id", data_dir=str(tmp_path))
    assert (store.y.tolist(), store.ids) == ([1, 0], ["a", "b"])
    assert as_store(str(tmp_path / "m.csv"), data_dir=str(tmp_path)).y is None


def test_options_reach_their_readers() -> None:
    weighted = [nx.Graph([(0, 1, {"weight": 2.0, "kind": "a"})])]
    store = as_store(weighted, weight="weight", edge_attrs=["kind"], node_attrs=None)
    assert store.edge_weight.tolist() == [2, 2]
    atom = Data(x=torch.tensor([[1]]), edge_index=EDGES[:, :0])
    assert as_store([atom], categorical=False).x.dtype == torch.float
    assert as_store(["C", "O"], ids=["a", "b"]).ids == ["a", "b"]
    one_way = [Data(x=torch.ones(2, 1), edge_index=EDGES[:, :1])]
    assert as_store(one_way, undirected=True).one_way == 0


def test_defaults_ask_for_nothing() -> None:
    usual = {
        "undirected": False, "categorical": "auto", "invalid": "error", "labels": "auto",
        "node_attributes": False, "node_attrs": None, "weight": None, "y": None, "smiles": None,
    }  # fmt: skip
    for graphs in (DATA, NX, ["C", "O"], "MUTAG", GraphStore.from_data(DATA)):
        assert len(as_store(graphs, **usual)) > 1
    with pytest.raises(UserError, match="no categorical for SMILES, but got False"):
        as_store(["C"], categorical=False)


@pytest.mark.parametrize(
    ("graphs", "options", "said"),
    [
        (DATA[0], {}, r"as a list of graphs, but got one Data: write \[data\]"),
        (NX[0], {}, r"as a list of graphs, but got one graph: write \[graph\]"),
        ([], {}, "at least one graph in graphs"),
        ([1, 2], {}, "as a list of PyG's Data, .*, but graph 0 is int"),
        ([DATA[0], NX[0]], {}, "of one kind, PyG's Data as graph 0 is, but graph 1 is Graph"),
        ([NX[0], "C"], {}, "of one kind, NetworkX graphs as graph 0 is, but graph 1 is str"),
        (["C", None], {}, "a SMILES of each graph in graphs, but graph 1 has none: leave it out"),
        (3, {}, "but got int"),
        (None, {}, "but got NoneType"),
        ({"a": DATA[0]}, {}, "but got dict"),
        (np.ones((3, 3)), {}, "but got ndarray"),
        (torch.ones(3), {}, "but got Tensor"),
        (
            DATA,
            {"weight": "weight"},
            "no weight for PyG's Data, but got 'weight': it applies to NetworkX",
        ),
        (DATA, {"smiles": "s"}, "no smiles for PyG's Data, .* applies to a name or path"),
        (NX, {"targets": "y"}, "no targets for NetworkX graphs"),
        (["C"], {"node_attrs": ["x"]}, "no node_attrs for SMILES"),
        (GraphStore.from_data(DATA), {"categorical": True}, "no categorical for a GraphStore"),
        ("MUTAG", {"node_attrs": ["x"]}, "no node_attrs for a name or path"),
        ("MUTAG", {"smiles": "x"}, "Expected no smiles"),
        (DATA, {"wieght": 1}, "Expected options of .*weight.* but got 'wieght'"),
        ("CCO", {"mirror": "no"}, r"list of molecules, but got one SMILES: write \['CCO'\]"),
        ("CC(=O)O", {"mirror": "no"}, "got one SMILES"),
        ("C/C=C/C", {"mirror": "no"}, "got one SMILES"),
        ("nothing-of-this", {"mirror": "no"}, "the mirror folder no does not exist"),
        ("a sentence", {}, "Expected the name of a data set, but got 'a sentence'"),
        (["C", "x1"], {}, "molecule 1 has 'x1'"),
    ],
)
def test_one_sentence(graphs, options, said, tmp_path) -> None:
    if isinstance(graphs, str):
        options = options | {"data_dir": str(tmp_path)}
    with pytest.raises(UserError, match=said) as caught:
        as_store(graphs, **options)
    assert "\n" not in str(caught.value)


def graphs_of(count: int = 2, kind: str = "data") -> object:
    """Be a source for the tests below."""
    return {"data": DATA, "networkx": NX, "smiles": ["C"], "one": DATA[0]}[kind][:count]


def numbers() -> list[int]:
    return [1, 2]


HERE = "tests_of_collect"


@pytest.fixture
def module(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


def test_functions(module) -> None:
    store = load(f"{HERE}:graphs_of")
    assert len(store) == 2
    assert len(store.sha256) == 64
    assert len(load(f"{HERE}:graphs_of", options={"count": 1, "kind": "networkx"})) == 1
    for name, options, said in (
        ("graphs_of", {"cout": 1}, "arguments of .*graphs_of as --data.options.NAME, but got cout"),
        ("numbers", {}, "what .*numbers returns as a list of PyG's Data, .* graph 0 is int"),
        ("nothing", {}, "Cannot import the function of graphs '.*nothing'"),
        ("HERE", {}, "to be a class or a function, but got str"),
    ):
        with pytest.raises(UserError, match=said):
            load(f"{HERE}:{name}", options=options)
    with pytest.raises(
        UserError, match="Cannot import the function of graphs 'no_such_package:graphs'"
    ):
        load("no_such_package:graphs")
