"""Groups of graphs: read from each source, computed for molecules, kept by a store."""

import csv
import json

import networkx as nx
import pytest
import torch

from graph_hcl.data import GraphStore, as_store, load
from graph_hcl.data.groups import scaffold
from graph_hcl.errors import UserError

ROWS = [
    ("smiles", "active", "batch"),
    ("CCO", 1, "a"),
    ("Cc1ccccc1", 0, "b"),
    ("C1CC", 0, "b"),
    ("Oc1ccccc1", 1, "b"),
    ("CN", 0, "a"),
]


@pytest.fixture
def table(tmp_path):
    """Write rows to a table, and return a function that loads it."""

    def read(rows=ROWS, name="t.csv", **options):
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(rows)
        return load(tmp_path / name, data_dir=str(tmp_path / "data"), **options)

    return read


def test_a_tensor_of_groups() -> None:
    numbers = torch.tensor([1, 1, 2])
    store = GraphStore.from_smiles(["C", "CC", "O"], groups=numbers, ids=numbers.float())
    assert store.groups == store.ids == ["1", "1", "2"]


@pytest.mark.filterwarnings("ignore:Of 5 molecules")
def test_a_column_of_a_table(table, tmp_path) -> None:
    store = table(invalid="skip", groups="batch", targets="active")
    assert store.groups == ["a", "b", "b", "a"]  # without the line that is no molecule
    assert store.y.tolist() == [1, 0, 1, 0]
    assert table(invalid="skip", groups="batch", targets="active").groups == store.groups  # cached
    assert table(invalid="skip").groups is None
    assert table(invalid="skip", groups="scaffold").groups == [
        *("acyclic", "c1ccccc1", "c1ccccc1", "acyclic")
    ]
    plain = table(invalid="skip")
    assert plain.sha256 == store.sha256  # the graphs are the same
    assert plain.digest() != table(invalid="skip", groups="batch").digest()


def test_groups_are_kept_by_parts_and_files(table, tmp_path) -> None:
    rows = [row for row in ROWS if row[0] != "C1CC"]
    store = table(rows, groups="batch")
    assert store[[3, 1]].groups == ["a", "b"]
    assert store[1:].groups == ["b", "b", "a"]
    assert store.to("cpu").groups == store.groups
    store.save(tmp_path / "s.safetensors")
    assert GraphStore.open(tmp_path / "s.safetensors")[0].groups == store.groups


def test_a_column_that_is_called_scaffold_wins(table) -> None:
    rows = [("smiles", "scaffold"), ("CCO", "x"), ("c1ccccc1", "x")]
    assert table(rows, groups="scaffold").groups == ["x", "x"]


def test_lists_of_molecules() -> None:
    smiles = ["CCO", "Cc1ccccc1"]
    assert as_store(smiles, groups="scaffold").groups == ["acyclic", "c1ccccc1"]
    assert as_store(smiles, groups=[7, 8]).groups == ["7", "8"]
    for groups, sentence in (
        ("batch", "a list of names or 'scaffold'"),
        ([7], "groups with 2 names, one per molecule, but got 1"),
        ([7, None], "molecule 1 has none"),
    ):
        with pytest.raises(UserError, match=sentence):
            as_store(smiles, groups=groups)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CC(=O)Oc1ccccc1C(=O)O", "c1ccccc1"),
        ("C[C@H]1CC[C@@H](C)CC1", "C1CCCCC1"),  # without chirality
        ("c1ccccc1CCc1ccncc1", "c1ccc(CCc2ccncc2)cc1"),
        ("CCCC", "acyclic"),
    ],
)
def test_scaffolds(smiles: str, expected: str) -> None:
    assert scaffold(smiles) == expected


def test_a_key_of_lines(tmp_path) -> None:
    file = tmp_path / "g.jsonl"
    lines = [{"edges": [[0, 1], [1, 0]], "source": k // 2} for k in range(4)]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.warns(UserWarning, match="num_nodes"):
        assert load(file, groups="source").groups == ["0", "0", "1", "1"]
    with pytest.raises(UserError, match=r"as 'sorce' in .*, but none has it. Did you mean source"):
        load(file, groups="sorce")
    file.write_text(json.dumps({"edges": [[0, 1]], "source": [1]}), encoding="utf-8")
    with pytest.raises(UserError, match=r"'source' as a word or a number .* got \[1\]"):
        load(file, groups="source")
    file.write_text('{"edges": [[0, 1]], "s": 1}\n{"edges": [[0, 1]]}', encoding="utf-8")
    with pytest.raises(UserError, match="group of each graph in 's', but line 2 of"):
        load(file, groups="s")


def test_a_column_of_labels(tmp_path) -> None:
    for name in "ab":
        nx.write_graphml(nx.path_graph(3), tmp_path / f"{name}.graphml")
    with pytest.raises(UserError, match=r"labels.csv with the columns file and lab"):
        load(tmp_path, groups="lab")
    (tmp_path / "labels.csv").write_text(
        "file,label,lab\nb.graphml,1,x\na.graphml,0,y\n", encoding="utf-8"
    )
    assert load(tmp_path, groups="lab").groups == ["y", "x"]
    with pytest.raises(UserError, match="Expected a column 'lba' in"):
        load(tmp_path, groups="lba")


def test_groups_that_are_not_there(table, tmp_path) -> None:
    rows = [row for row in ROWS if row[0] != "C1CC"]
    with pytest.raises(UserError, match=r"a column 'bach' in .*Did you mean batch\?"):
        table(rows, groups="bach")
    with pytest.raises(UserError, match="group of each graph in 'batch', but line 6 of"):
        table([*rows, ("CCC", 1, "")], groups="batch")
    with pytest.raises(UserError, match=r"Expected no groups \(--data.groups\) for 'MUTAG'"):
        load("MUTAG", groups="scaffold")
    (tmp_path / "m.smi").write_text("CCO a\nc1ccccc1 b\n", encoding="utf-8")
    options = {"data_dir": str(tmp_path / "data")}
    assert load(tmp_path / "m.smi", groups="scaffold", **options).groups[1] == "c1ccccc1"
    with pytest.raises(UserError, match=r"Expected no groups \(--data.groups\).*has no header"):
        load(tmp_path / "m.smi", groups="batch", **options)
