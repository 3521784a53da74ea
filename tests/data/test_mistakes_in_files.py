"""Plausible mistakes in files of graphs, and in what reads them, end in one sentence."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest

from graph_hcl.data import GraphStore, load
from graph_hcl.data.edge_lists import parse_edges
from graph_hcl.data.targets import graph_targets
from tests.one_sentence import ends_in_one_sentence

SMILES = ["CCO", "CCN", "CCC"]


def edges(text: str) -> Callable[[], object]:
    return lambda: parse_edges(text, Path("g.edgelist"))


def table(values, **given) -> Callable[[], object]:
    """Return what reads a Parquet table whose column y has these values."""

    def read() -> object:
        import pyarrow
        import pyarrow.parquet

        pytest.importorskip("rdkit")
        file = Path("m.parquet")
        pyarrow.parquet.write_table(pyarrow.table({"smiles": SMILES, "y": values}), file)
        return load(file, targets="y", **given)

    return read


def columns(targets) -> Callable[[], object]:
    """Return what reads several columns of a table as classes."""

    def read() -> object:
        pytest.importorskip("rdkit")
        lines = [f"{text},{row},0.5" for row, text in enumerate(SMILES)]
        Path("m.csv").write_text("\n".join(["smiles,a,b", *lines]), encoding="utf-8")
        return load("m.csv", targets=targets, labels="classes")

    return read


def lines(*labels) -> Callable[[], object]:
    """Return what reads the labels of a .jsonl file as classes."""

    def read() -> object:
        text = "\n".join(json.dumps({"edges": [[0, 1]], "y": label}) for label in labels)
        Path("g.jsonl").write_text(text, encoding="utf-8")
        return load(Path("g.jsonl"), labels="classes")

    return read


def written(graph: dict[str, object]) -> Callable[[], object]:
    """Return what reads a .jsonl file of one graph that NetworkX wrote."""

    def read() -> object:
        Path("g.jsonl").write_text(json.dumps(graph), encoding="utf-8")
        return load("g.jsonl")

    return read


def folders() -> object:
    for name in ("pos", "neg"):
        (Path("f") / name).mkdir(parents=True)
        nx.write_graphml(nx.path_graph(3), Path("f") / name / "a.graphml")
    return load("./f")


def folder_of(name: str, text: str = "", labels: str | None = None) -> Callable[[], object]:
    """Return what reads a folder of one file, and of labels."""

    def read() -> object:
        Path("f").mkdir()
        Path("f", name).write_text(text, encoding="utf-8")
        if labels is not None:
            Path("f/labels.csv").write_text(labels, encoding="utf-8")
        return load("./f")

    return read


def file_of(name: str, text: str = "") -> Callable[[], object]:
    """Return what reads a file."""

    def read() -> object:
        Path(name).write_text(text, encoding="utf-8")
        return load(f"./{name}")

    return read


FUNCTION = "pickles are never read, so name a function that returns the graphs"
NODES = {"directed": False, "nodes": [{"id": 0}, {"id": 1}]}
COLUMNS = r"first line 'source target' names columns: delete it, or rename these nodes"
NO_VALUE = r"words or numbers in the column 'y', but row 1 of m.parquet has "
MISTAKES = {
    "a header of edges": (edges("source,target\na,b\nb,c\n"), COLUMNS),
    "a header with tabs": (edges('"From"\t"To"\na\tb\n'), "names columns"),
    "a header of node ids": (edges("Node_1 Node_2\na b\n"), "names columns"),
    "a header of letters": (edges("# all\nu v\na b\nb c\n"), "first line 'u v' names columns"),
    "a header with weights": (edges("source,target,weight\na,b,1\n"), "names columns"),
    "an edge list of KONECT": (edges("1 2 1 1082008561\n"), "or read the file by a function of"),
    "an edge list with semicolons": (edges("0;1\n"), "separate nodes by blanks, tabs or commas"),
    "a node alone": (edges("0 1\n2\n"), "line 2 has '2': leave out .*, or write GraphML"),
    "a kind of edges": (
        edges("0 1 knows\n"),
        r"write_edgelist\(…, data=False\) or write_weighted_e",
    ),
    "no dictionary": (edges("0 1 {1}\n"), "write_weighted_edgelist, or GraphML"),
    "a dictionary of code": (edges("0 1 {'a': open('b')}\n"), "has '0 1 {'a': open.*GraphML"),
    "nested brackets": (edges("0 1 {" + "{[" * 9999 + "}\n"), "line 1 has '0 1 {{"),
    "a weight in words": (edges("0 1 {'weight': 'high'}\n"), "write_weighted_edgelist, or"),
    "another weight in a dictionary": (
        edges("0 1 {'weight': 1}\n1 0 {'weight': 2}\n"),
        "line 2 gives 1 0 another weight",
    ),
    "another attribute in a dictionary": (
        edges("0 1 {'weight': 1, 'kind': 'a'}\n1 0 {'weight': 1, 'kind': 'b'}\n"),
        "line 2 gives 1 0 other attributes",
    ),
    "a missing weight in a dictionary": (
        edges("0 1 {'weight': nan}\n"),
        "nan}': nan is no number, so fill it in, or leave it out",
    ),
    "a table with semicolons": (
        file_of("semi.csv", "smiles;y\nC;1\n"),
        "commas between the columns of semi.csv, but its header 'smiles;y' has semicolons: save it",
    ),
    "a table with tabs": (file_of("t.csv", "smiles\ty\nC\t1\n"), "has tabs: name it .tsv"),
    "a table with commas": (file_of("c.tsv", "smiles,y\nC,1\n"), "has commas: save it with tabs"),
    "labels with semicolons": (
        folder_of("g0.edgelist", "0 1\n", "file;label\ng0.edgelist;a\n"),
        "commas between the columns of f/labels.csv, but its header 'file;label' has semicolons",
    ),
    "labels without the ending": (
        folder_of("g0.edgelist", "0 1\n", "file,label\ng0,a\n"),
        r"has 'g0', and there is no such graph file\. Write the ending, too: g0\.edgelist\.$",
    ),
    "a pickle": (file_of("graphs.pkl"), FUNCTION),
    "a folder of pickles": (folder_of("g0.gpickle"), FUNCTION),
    "a list in each row": (table([[0.5], [1.5], [2.5]]), NO_VALUE + r"\[0.5\]: write one column"),
    "a record in each row": (table([{"a": 1}] * 3), NO_VALUE + "{'a': 1}: write one column"),
    "bytes in each row": (table([b"a", b"b", b"a"]), NO_VALUE + "b'a': save it as text"),
    "lists that are tasks": (table([[1, 2]] * 3, labels="numbers"), NO_VALUE),
    "classes of two columns": (columns(["a", "b"]), "one target for classes, but got 2 in a, b: "),
    "classes of two names": (columns("a,b"), "one target for classes, but got 2 in a, b: "),
    "classes of two tasks": (lines([1, 2], [1, 3]), "but got 2 in y of line 1 of g.jsonl"),
    "classes of nested lists": (
        lambda: graph_targets([[[1]]], "classes", "y", ["line 1"]),
        r"y as a word, a number or a list, but line 1 has \[1\]",
    ),
    "links of NetworkX": (
        written(NODES | {"links": [{"source": 0, "target": 1}]}),
        r"line 1 of g.jsonl has nodes and links as networkx.node_link_data writes .*"
        r'networkx.node_link_graph\(json.loads\(line\), edges="links"\), and give .*from_networkx',
    ),
    "edges of NetworkX": (
        written(NODES | {"edges": [{"source": 0, "target": 1}]}),
        "has nodes and edges as networkx.node_link_data writes them",
    ),
    "neighbours of NetworkX": (
        written(nx.adjacency_data(nx.path_graph(3))),
        r"nodes and adjacency as networkx.adjacency_data writes .* networkx.adjacency_graph\(",
    ),
    "nodes alone": (written({"nodes": [0, 1]}), r"line 1 of g.jsonl has nodes\.$"),
    "graphs in folders alone": (folders, "it has neg/, pos/: folders within are not read, so put"),
    "a number for a vocabulary": (
        lambda: GraphStore.from_networkx([nx.path_graph(2)]).with_vocabulary(3),
        "a Vocabulary, such as that of another store, but got 3",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_in_one_sentence(mistake: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    ends_in_one_sentence(*MISTAKES[mistake])


@pytest.mark.parametrize("text", ["u v\nv w\n", "source a\na target\n", "a source\nb target\n"])
def test_nodes_may_have_the_names_of_columns(text: str) -> None:
    assert parse_edges(text, Path("g.edgelist")).number_of_edges() == 2


def test_edge_lists_of_networkx_are_read(tmp_path) -> None:
    plain, weighted = nx.cycle_graph(5), nx.path_graph(4)
    nx.set_edge_attributes(weighted, {edge: 0.5 + edge[0] for edge in weighted.edges}, "weight")
    for name, graph in (("plain", plain), ("weighted", weighted)):
        folder = tmp_path / name
        folder.mkdir()
        nx.write_edgelist(graph, folder / "blanks.edgelist")
        nx.write_edgelist(graph, folder / "commas.edgelist", delimiter=",")
        nx.write_edgelist(graph, folder / "tabs.edgelist", delimiter="\t")
    nx.write_edgelist(plain, tmp_path / "plain" / "without.edgelist", data=False)
    nx.write_weighted_edgelist(weighted, tmp_path / "weighted" / "without.edgelist")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = load(tmp_path / "plain")
        assert [graph.num_edges for graph in store] == [10] * 4
        assert store.edge_weight is None
        store = load(tmp_path / "weighted")
    assert store.edge_weight.tolist() == [0.5, 0.5, 1.5, 1.5, 2.5, 2.5] * 4


def test_other_attributes_of_edge_lists_are_told_once_or_read(tmp_path) -> None:
    graph = nx.cycle_graph(5)
    nx.set_edge_attributes(graph, 2.0, "weight")
    nx.set_edge_attributes(graph, "a # b, c", "kind")
    for name in "ab":
        nx.write_edgelist(graph, tmp_path / f"{name}.edgelist")
    with pytest.warns(UserWarning, match="not read .* of edges 'kind'") as told:
        store = load(tmp_path)
    assert len(told) == 1
    assert store.edge_weight.tolist() == [2.0] * 20
    store = load(tmp_path, options={"edge_attrs": ["kind"]})
    assert store.vocabulary.edge.names() == ["kind=a # b, c"]


@pytest.mark.parametrize("values", [[[2], [7], [2]], [["b"], ["x"], ["b"]]])
def test_lists_of_one_are_classes_where_asked_for(values, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = lines(*values)()
    assert store.y.tolist() == [0, 1, 0]
    assert store.classes == [str(values[0][0]), str(values[1][0])]


def test_one_column_in_a_list_has_classes_where_asked_for(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = columns(["b"])()
    assert (store.y.tolist(), store.classes) == ([0, 0, 0], ["0.5"])


def test_folders_beside_graph_files_are_named(tmp_path) -> None:
    nx.write_graphml(nx.path_graph(3), tmp_path / "c.graphml")
    for name in ("pos", ".git", "a.graphml"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    with pytest.warns(UserWarning, match="Not read in .*: a.graphml/, notes.txt, pos/: folders"):
        assert len(load(tmp_path)) == 1


def graph_file(folder: Path, graph: nx.Graph, suffix: str = ".graphml") -> Path:
    (nx.write_graphml if suffix == ".graphml" else nx.write_gexf)(graph, folder / f"a{suffix}")
    return folder


def test_an_edge_attribute_id_is_the_users_own(tmp_path) -> None:
    graph = nx.Graph(mode="fast", start=3)
    graph.add_edge("x", "y", id=7, weight=1.0)
    file = graph_file(tmp_path, graph) / "a.graphml"
    ignored = {"ignored_attrs": ["weight", "mode", "start"]}
    assert load(tmp_path, options={"edge_attrs": ["id"], **ignored}).edge_attr.tolist() == [[0]] * 2
    with pytest.warns(UserWarning, match="of edges 'id', 'weight' .* of graphs 'mode', 'start' "):
        load(tmp_path)
    # With ids of the format beside it, too.
    text = file.read_text(encoding="utf-8").replace("<edge ", '<edge id="e0" ')
    file.write_text(text, encoding="utf-8")
    store = load(tmp_path, options={"edge_attrs": ["id"], **ignored})
    assert store.vocabulary.edge.names() == ["id=7"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("suffix", [".graphml", ".gexf"])
@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_what_the_formats_add_is_no_attribute(tmp_path, suffix, kind) -> None:
    graph = kind([("x", "y"), ("y", "z"), ("x", "y")])
    store = load(graph_file(tmp_path, graph, suffix), options={"undirected": True})
    assert store.edge_index.shape[1] == 2 * graph.number_of_edges()


@pytest.mark.parametrize(("suffix", "label"), [(".graphml", "O"), (".gexf", "N")])
def test_labels_of_nodes_are_the_users_own(tmp_path, suffix, label) -> None:
    graph = nx.path_graph(["C", "O"])
    nx.set_node_attributes(graph, {"C": "C", "O": label}, "label")
    store = load(graph_file(tmp_path, graph, suffix), options={"node_attrs": ["label"]})
    assert store.vocabulary.node.names() == sorted(["label=C", f"label={label}"])
