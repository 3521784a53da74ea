"""OGB's molecules: equal to a slow loop over their raw files, and damage named."""

import csv
import gzip
import importlib.util
import io
import zipfile
from pathlib import Path

import pytest
import torch

from graph_hcl.data import load, official_split
from graph_hcl.data.sources.ogb import ATOMS, BONDS
from graph_hcl.errors import UserError

NAMES = ("ogbg-molbace", "ogbg-molbbbp", "ogbg-molesol", "ogbg-molfreesolv")
TINY = {
    "raw/num-node-list": "2\n1\n3\n",
    "raw/num-edge-list": "1\n0\n2\n",
    "raw/edge": "1,0\n0,1\n0,2\n",
    "raw/node-feat": "5,0,4,5,3,0,2,0,0\n" * 6,
    "raw/edge-feat": "0,0,0\n1,0,1\n3,0,1\n",
    "raw/graph-label": "0,1\n,\n1,0.5\n",
    "mapping/mol": "a,b,smiles,mol_id\n0,1,CC,x\n,,O,y\n1,0.5,NCC,z\n",
    "split/scaffold/train": "2\n0\n",
    "split/scaffold/valid": "1\n",
    "split/scaffold/test": "",
}


def pack(folder, files=TINY, name="ogbg_moltiny", top="tiny/") -> str:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
        for path, text in files.items():
            archive.writestr(f"{top}{path}.csv.gz", gzip.compress(text.encode()))
        archive.writestr(f"{top}RELEASE_v1.txt", "")
    return str(folder)


@pytest.fixture
def tiny(tmp_path):
    def tiny(**changes):
        names = {path.rpartition("/")[2].replace("-", "_"): path for path in TINY}
        files = TINY | {names[name]: text for name, text in changes.items() if text is not None}
        for name, text in changes.items():
            if text is None:
                del files[names[name]]
        return {"data_dir": str(tmp_path / "data"), "mirror": pack(tmp_path / "mirror", files)}

    return tiny


def test_tiny(tiny) -> None:
    store = load("OGBG_molTiny", **tiny())
    assert store.edge_ptr.tolist() == [0, 2, 2, 6]
    assert store.edge_index.tolist() == [[0, 1, 0, 0, 1, 2], [1, 0, 1, 2, 0, 0]]
    assert store.edge_attr.tolist() == [[0, 0, 0]] * 2 + [[1, 0, 1], [3, 0, 1]] * 2
    assert (store.tasks, store.ids, store.classes) == (["a", "b"], ["x", "y", "z"], [])
    assert torch.equal(store.y.nan_to_num(9), torch.tensor([[0, 1], [9, 9], [1, 0.5]]))
    assert store.is_sorted_undirected
    assert store.vocabulary.node.columns[0].values[5] == 6  # carbon
    again = load("ogbg-moltiny", data_dir=tiny()["data_dir"], mirror="nowhere")
    assert again.digest() == store.digest()
    split = official_split("ogbg-moltiny", **tiny())
    assert {part: numbers.tolist() for part, numbers in split.items()} == {
        "train": [2, 0], "valid": [1], "test": [],
    }  # fmt: skip


def test_a_missing_single_label(tiny) -> None:
    changes = {"graph_label": "1\n\n0\n", "mol": "a,smiles,mol_id\n1,CC,x\n,O,y\n0,NCC,z\n"}
    with pytest.warns(UserWarning, match="Of 3 graphs, 1 have no 'a'"):
        store = load("ogbg-moltiny", **tiny(**changes))
    assert torch.equal(store.y.nan_to_num(9), torch.tensor([1.0, 9, 0]))
    assert (store.classes, store.num_classes, store.class_labels) == (["0", "1"], 2, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"edge": None}, r"Expected raw/edge.csv.gz in .*ogbg_moltiny.zip, but it is missing"),
        ({"test": None}, "Expected scaffold/test.csv.gz"),
        ({"edge": "1,0\n0,1\n0,3\n"}, "edges between nodes of one graph"),
        ({"edge": "1,0\n0,1\n"}, "numbers of graphs, nodes and edges that agree"),
        ({"edge_feat": "0,0,0\n1,0,1\n5,0,1\n"}, "codes of OGB's atoms and bonds"),
        ({"edge_feat": "0,0,0\n"}, "2 lines|3 lines, as num-edge-list"),
        ({"node_feat": "5,0,4\n" * 6}, "Expected 9 whole numbers on each line"),
        ({"node_feat": "5,0,4,5,3,0,2,0,x\n" * 6}, "line 1 has 'x'"),
        ({"num_node_list": "2\n0\n4\n"}, "numbers from 1 on in .*num-node-list"),
        ({"num_edge_list": "4\n0\n-1\n"}, "numbers from 0 on in .*num-edge-list"),
        # Their sums wrap around to the number of rows in 64 bits.
        (
            {"num_node_list": f"{2**63 - 1}\n{2**63 - 1}\n8\n"},
            "Expected 18,446,744,073,709,551,622",
        ),
        (
            {"num_edge_list": f"{2**63 - 1}\n{2**63 - 1}\n5\n"},
            "Expected 18,446,744,073,709,551,619",
        ),
        (
            dict.fromkeys(("num_node_list", "num_edge_list", "node_feat", "edge_feat", "edge"), ""),
            "numbers of graphs, nodes",
        ),
        ({"num_node_list": "2\n1\n"}, "6 lines|3 lines, as num-node-list"),
        ({"graph_label": "0,1\n1,1\n"}, "3 lines, as num-node-list"),
        ({"graph_label": "0,1\n1\n0,0\n"}, "2 labels on each line"),
        ({"graph_label": "0,1\n1,b\n0,0\n"}, "column 'b', .* line 2 of .*graph-label.csv has 'b'"),
        ({"mol": "a,b,smiles,mol_id\n0,1,CC,x\n"}, "3 lines, as num-node-list"),
    ],
)
def test_damage_is_named(tiny, changes, said) -> None:
    with pytest.raises(UserError, match=said) as caught:
        load("ogbg-moltiny", **tiny(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda f: f.write_bytes(b"PK\3\4"), "not a complete zip archive"),
        (lambda f: f.write_bytes(f.read_bytes()[:-30]), "not a complete zip archive"),
        (lambda f: evil(f, "../raw/edge.csv.gz", b""), "which leaves its folder"),
        (lambda f: evil(f, "other/raw/edge.csv.gz", b""), "Expected one .*raw/edge.csv.gz"),
    ],
)
def test_archives_are_checked(tiny, make, said, tmp_path) -> None:
    options = tiny()
    make(tmp_path / "mirror" / "ogbg_moltiny.zip")
    with pytest.raises(UserError, match=said):
        load("ogbg-moltiny", **options)
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").rglob("*.csv*"))


def evil(file, name, content) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, content)


@pytest.mark.parametrize("content", [b"1,0\n", gzip.compress(b"1,0\n" * 99, mtime=0)[:-8]])
def test_members_that_are_no_gzip(tiny, tmp_path, content) -> None:
    options = tiny(edge=None)
    evil(tmp_path / "mirror" / "ogbg_moltiny.zip", "tiny/raw/edge.csv.gz", content)
    with pytest.raises(UserError, match=r"edge.csv.gz is not a complete gzip file"):
        load("ogbg-moltiny", **options)


def test_a_member_that_expands_without_bounds(tiny, monkeypatch) -> None:
    from graph_hcl.data import ogb_files

    options, small = tiny(edge="1,0\n" * 10**5), ogb_files.decompress
    monkeypatch.setattr(ogb_files, "decompress", lambda file, to: small(file, to, 1000))
    with pytest.raises(UserError, match=r"edge.csv.gz would unpack to over"):
        load("ogbg-moltiny", **options)


def test_wherever_the_mirror_has_it(tmp_path) -> None:
    want = load("ogbg-moltiny", data_dir=str(tmp_path / "1"), mirror=pack(tmp_path / "a"))
    for number, (name, top) in enumerate([("ogbg-moltiny", ""), ("tiny", "x/y/")], 2):
        mirror = pack(tmp_path / name, name=name, top=top)
        got = load("ogbg-moltiny", data_dir=str(tmp_path / str(number)), mirror=mirror)
        assert (got.digest(), got.sha256) == (want.digest(), want.sha256)
    with zipfile.ZipFile(tmp_path / "a" / "ogbg_moltiny.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    (tmp_path / "unpacked" / "tiny").rename(tmp_path / "unpacked" / "ogbg_moltiny")
    got = load("ogbg-moltiny", data_dir=str(tmp_path / "9"), mirror=str(tmp_path / "unpacked"))
    assert got.digest() == want.digest()
    url = (tmp_path / "a").as_uri()
    assert load("ogbg-moltiny", data_dir=str(tmp_path / "8"), mirror=url).digest() == want.digest()


def test_unknown(tmp_path) -> None:
    for name, said in (
        ("ogbg-molhivv", "has neither ogbg_molhivv.zip nor a folder.* Did you mean ogbg-molhiv"),
        ("ogbg-code2", "Expected a set of molecules of the Open Graph Benchmark"),
    ):
        with pytest.raises(UserError, match=said):
            load(name, data_dir=str(tmp_path / "data"), mirror=str(tmp_path))
    with pytest.raises(
        UserError, match=r"Cannot fetch http://127.0.0.1:9/ogbg_molhiv.zip .*unpack"
    ):
        load("ogbg-molhiv", data_dir=str(tmp_path / "data"), mirror="http://127.0.0.1:9")
    with pytest.raises(UserError, match="Expected no smiles"):
        load("ogbg-molhiv", smiles="smiles")


def rows_of(archive, path) -> list[list[str]]:
    name = next(n for n in archive.namelist() if n.endswith(f"/{path}.csv.gz"))
    text = gzip.decompress(archive.read(name)).decode()
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("name", NAMES)
def test_equal_to_a_slow_loop(name, ogb_mirror, tmp_path) -> None:
    store = load(name, data_dir=str(tmp_path), mirror=ogb_mirror)
    with zipfile.ZipFile(Path(ogb_mirror) / f"{name.replace('-', '_')}.zip") as archive:
        read = {p: rows_of(archive, p) for p in TINY if p != "mapping/mol"}
        split = {
            p: [int(r[0]) for r in read[f"split/scaffold/{p}"]] for p in ("train", "valid", "test")
        }
    node = edge = 0
    for number, (nodes, edges) in enumerate(
        zip(read["raw/num-node-list"], read["raw/num-edge-list"], strict=True)
    ):
        nodes, edges = int(nodes[0]), int(edges[0])
        both = []
        for row in range(edge, edge + edges):
            u, v = map(int, read["raw/edge"][row])
            kind = list(map(int, read["raw/edge-feat"][row]))
            both += [(u, v, kind), (v, u, kind)]
        both.sort()
        a, b = store.node_ptr[number : number + 2].tolist()
        c, d = store.edge_ptr[number : number + 2].tolist()
        want = [list(map(int, row)) for row in read["raw/node-feat"][node : node + nodes]]
        assert store.x[a:b].tolist() == want
        assert store.edge_index[:, c:d].t().tolist() == [[u, v] for u, v, _ in both]
        assert store.edge_attr[c:d].tolist() == [kind for *_, kind in both]
        label = float(read["raw/graph-label"][number][0])
        own = float(store.y[number])
        assert (float(store.classes[int(own)]) if store.classes else own) == pytest.approx(label)
        node, edge = node + nodes, edge + edges
    assert number + 1 == len(store)
    got = official_split(name, data_dir=str(tmp_path))
    assert {part: numbers.tolist() for part, numbers in got.items()} == split
    columns = store.vocabulary.node.columns
    assert [len(column.values) for column in columns] == [119, 5, 12, 12, 10, 6, 6, 2, 2]
    assert [len(column.values) for column in store.vocabulary.edge.columns] == [5, 6, 2]


def test_vocabulary_is_that_of_the_package() -> None:
    """Its own module is read by path: importing the package starts a network check."""
    found = importlib.util.find_spec("ogb")
    if found is None:
        pytest.skip("the package ogb is not installed")
    file = Path(found.origin).parent / "utils" / "features.py"
    spec = importlib.util.spec_from_file_location("ogb_features", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    theirs = [tuple(values) for values in module.allowable_features.values()]
    assert theirs == [*ATOMS.values(), *BONDS.values()]


def test_a_split_that_is_none(tiny) -> None:
    with pytest.raises(UserError, match="each of 3 graphs in one part of the split"):
        official_split("ogbg-moltiny", **tiny(valid="2\n"))
