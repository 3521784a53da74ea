"""Molecules from SMILES: equal to PyG's, graph by graph, and what is none is named."""

import csv
import gzip
import sys

import pytest
import torch
from torch_geometric.utils import from_smiles
from torch_geometric.utils.smiles import e_map, x_map

from graph_hcl.data import GraphStore, load
from graph_hcl.data.molecules import read_molecule
from graph_hcl.errors import UserError

SMILES = [
    *("CCO", "c1ccccc1", "O", "[Na+].[Cl-]", "C/C=C/C"),
    *("C/C=C\\C", "N[C@@H](C)C(=O)O", "*CC", "[H][H]"),
]


def check_equal(store, texts) -> None:
    """Compare each graph with what PyG makes of its SMILES, with a loop over columns."""
    assert len(store) == len(texts)
    for number, text in enumerate(texts):
        want, nodes, edges = (
            from_smiles(text),
            slice(*store.node_ptr[number : number + 2].tolist()),
            slice(*store.edge_ptr[number : number + 2].tolist()),
        )
        assert torch.equal(store.x[nodes], want.x), text
        assert torch.equal(store.edge_index[:, edges], want.edge_index), text
        assert torch.equal(store.edge_attr[edges], want.edge_attr), text


def test_equal_to_pyg() -> None:
    store = GraphStore.from_smiles(SMILES)
    check_equal(store, SMILES)
    assert store.is_sorted_undirected
    assert store.x.dtype == store.edge_attr.dtype == torch.long


def test_real_molecules_are_equal_to_pyg(table_of, tmp_path) -> None:
    file = table_of("bace")
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        texts = [row["smiles"] for row in csv.DictReader(stream)][:200]
    (tmp_path / "some.smi").write_text("\n".join(texts), encoding="utf-8")
    check_equal(load(tmp_path / "some.smi", data_dir=str(tmp_path)), texts)


def test_columns_mean_what_pyg_says() -> None:
    store = GraphStore.from_smiles(SMILES)
    for features, names, values in (
        (store.vocabulary.node, x_map, store.x),
        (store.vocabulary.edge, e_map, store.edge_attr),
    ):
        assert [column.name for column in features.columns] == list(names)
        for number, (column, known) in enumerate(
            zip(features.columns, names.values(), strict=True)
        ):
            assert column.values == tuple(known)  # False == 0
            seen = set(values[:, number].tolist())
            assert set(column.absent) == set(range(len(known))) - seen
            assert all(type(value) in (int, str) for value in column.values)
    ethanol = store[0]
    names = store.vocabulary.node.names()
    assert [names[k] for k in ethanol.x[2].nonzero().flatten()][:1] == ["atomic_num=8"]
    assert ethanol.x.sum(1).tolist() == [9, 9, 9]


def test_one_atom_is_a_graph() -> None:
    store = GraphStore.from_smiles(["O", "[Na+]"], ids=["water", "sodium"])
    assert store.edge_ptr.tolist() == [0, 0, 0]
    assert store.edge_attr.shape == (0, 3)
    assert store.batch([0, 1]).edge_attr.shape == (0, 30)
    assert store[1:].ids == ["sodium"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(("C1CC", ""), ("", "no atoms"), ("CCO CC", "more than one word"), ("xyz", "")),
        *((None, "no text"), (3.5, "no text"), ("[Fe+7]", "out of the ordinary")),
        ("C" * 100 + "(", ""),
    ],
)
def test_what_is_no_molecule_is_named(text, why) -> None:
    assert why in read_molecule(text)
    with pytest.raises(
        UserError, match=r"1 of 3 cannot be read: molecule 1 has .*invalid=.skip"
    ) as e:
        GraphStore.from_smiles(["C", text, "O"])
    assert repr(text)[:20] in str(e.value)
    assert "\n" not in str(e.value)
    with pytest.warns(
        UserWarning, match="Of 3 molecules in the list, 1 cannot be read and is left"
    ):
        store = GraphStore.from_smiles(
            ["C", text, "O"], y=["a", "b", "c"], ids="pqr", invalid="skip"
        )
    assert (store.y.tolist(), store.classes, store.ids) == ([0, 2], ["a", "b", "c"], ["p", "r"])
    check_equal(store, ["C", "O"])


def test_many_wrong_ones_are_counted() -> None:
    with pytest.raises(UserError, match=r"5 of 6 .*molecule 1 has 'x0', .*, and 2 more; correct"):
        GraphStore.from_smiles(["C", *(f"x{number}" for number in range(5))])
    with pytest.raises(UserError, match="none is one"):
        GraphStore.from_smiles(["x", "y"], invalid="skip")


def test_square_planes_are_read() -> None:
    with pytest.warns(UserWarning, match="Of 5 atoms in the list, 1 have a hybridization that"):
        store = GraphStore.from_smiles(["N[Pt@SP1](N)(Cl)Cl"])
    place = list(x_map).index("hybridization")
    assert store.vocabulary.node.columns[place].values[int(store.x[1, place])] == "OTHER"


def test_extended_smiles_are_read() -> None:
    check_equal(GraphStore.from_smiles(["CCO |$;;$|"]), ["CCO"])


def test_rdkit_is_silent(capfd) -> None:
    from rdkit import Chem, RDLogger

    RDLogger.EnableLog("rdApp.*")  # PyG's from_smiles turns it off for good
    with pytest.raises(UserError):
        GraphStore.from_smiles(["C1CC", "c1ccc1", "CN(C)(C)(C)C"])
    assert capfd.readouterr().err == ""
    Chem.MolFromSmiles("C1CC")  # its own voice is back
    assert "SMILES" in capfd.readouterr().err


def test_chunks_are_joined(monkeypatch) -> None:
    monkeypatch.setattr("graph_hcl.data.molecules.CHUNK", 2)
    check_equal(GraphStore.from_smiles(SMILES), SMILES)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: GraphStore.from_smiles("CCO"), r"write \[smiles\]"),
        (lambda: GraphStore.from_smiles([]), "there are none"),
        (lambda: GraphStore.from_smiles(["C"], ids=["a", "b"]), "1 names, .* but got 2"),
        (lambda: GraphStore.from_smiles(["C"], y=[1, 2]), "1 labels, .* but got 2"),
        (lambda: GraphStore.from_smiles(["C"], invalid="drop"), "invalid as 'error' or 'skip'"),
    ],
)
def test_refused(wrong, said) -> None:
    with pytest.raises(UserError, match=said):
        wrong()


def test_without_rdkit(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(UserError, match=r"pip install 'graph_hcl\[molecules\]'"):
        GraphStore.from_smiles(["C"])


def test_an_encoder_of_ogb_reads_smiles(ogb_mirror, tmp_path) -> None:
    """OGB's graphs of the same molecules, in the vocabulary of SMILES and the other way round."""
    ogb = load("ogbg-molfreesolv", data_dir=str(tmp_path), mirror=ogb_mirror)
    table = tmp_path / "ogbg-molfreesolv" / "raw" / "mol.csv"
    own = load(table, smiles="smiles", targets="expt", ids="mol_id", data_dir=str(tmp_path))
    assert own.ids == ogb.ids
    assert torch.equal(own.y, ogb.y)
    assert torch.equal(own.edge_index, ogb.edge_index)
    there = own.with_vocabulary(ogb.vocabulary)
    assert torch.equal(there.x, ogb.x)
    assert torch.equal(there.edge_attr, ogb.edge_attr)
    assert torch.equal(ogb.with_vocabulary(own.vocabulary).x, own.x)
