"""Folders of graph files: in order of their names, with labels, and nothing in them expands."""

import warnings

import networkx as nx
import pytest

from graph_hcl.data import graph_files, load
from graph_hcl.data.fetch import place_files
from graph_hcl.errors import UserError

BOMB = """<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">
<node id="&d;"/></graph></graphml>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">
<node id="&e;"/></graph></graphml>"""


@pytest.fixture
def folder(tmp_path):
    """A folder of a path in GraphML, a ring in GEXF, and a star as a list of edges."""
    folder = tmp_path / "graphs"
    folder.mkdir()
    path = nx.path_graph(3)
    nx.set_node_attributes(path, {0: "C", 1: "O", 2: "C"}, "element")
    nx.set_edge_attributes(path, 1.5, "length")
    ring = nx.cycle_graph(4)
    nx.set_node_attributes(ring, "N", "element")
    nx.set_edge_attributes(ring, 2.5, "length")
    nx.write_graphml(path, folder / "b.graphml")
    nx.write_gexf(ring, folder / "a.gexf")
    return folder


def test_in_order_of_names(folder) -> None:
    options = {"node_attrs": ["element"], "edge_attrs": ["length"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = load(folder, options=options)
    assert store.ids == ["a.gexf", "b.graphml"]
    assert [graph.num_nodes for graph in store] == [4, 3]
    assert store.vocabulary.node.names() == ["element=C", "element=N", "element=O"]
    assert store.edge_attr.tolist() == [[2.5]] * 8 + [[1.5]] * 4
    assert store.y is None
    with pytest.warns(UserWarning, match=r"not read .* of nodes 'element' .* of edges 'length'"):
        bare = load(folder)
    assert bare.vocabulary.node.columns[0].name == "degree"
    assert bare.sha256 != store.sha256


def test_labels(folder) -> None:
    (folder / "labels.csv").write_text(
        "file,label\nb.graphml,path\na.gexf,ring\n", encoding="utf-8"
    )
    quiet = {"options": {"node_attrs": "element", "edge_attrs": "length"}}
    store = load(folder, **quiet)
    assert (store.y.tolist(), store.classes) == ([1, 0], ["path", "ring"])
    (folder / "labels.csv").write_text("file,label\nb.graphml,0.5\na.gexf,2\n", encoding="utf-8")
    assert load(folder, **quiet).y.tolist() == [2.0, 0.5]
    assert load(folder, labels="classes", **quiet).classes == ["0.5", "2"]
    (folder / "labels.csv").write_text("file,label\nb.graphml,path\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="Of 2 graphs, 1 have no 'label'"):
        assert load(folder, **quiet).y[0].isnan()
    for text, said in (
        ("file,label\nc.graphml,1\n", "line 2 has 'c.graphml', and there is no such graph file"),
        ("file,label\na.gexf,1\na.gexf,1\n", "line 3 has 'a.gexf', and it is listed before"),
        ("name,label\na.gexf,1\n", "column 'file'"),
        ("file,label\na.gexf,1\nb.graphml,x\n", "b.graphml in .*labels.csv has 'x'"),
    ):
        (folder / "labels.csv").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=said):
            load(folder, **quiet)


def test_labels_in_the_graphs(tmp_path) -> None:
    for number, name in enumerate("abc"):
        graph = nx.path_graph(number + 2)
        graph.graph["y"] = ["ring", "path", "ring"][number]
        nx.write_graphml(graph, tmp_path / f"{name}.graphml")
    store = load(tmp_path)
    assert (store.y.tolist(), store.classes) == ([1, 0, 1], ["path", "ring"])


LABELLED = {"a.graphml": "neg", "b.graphml": "pos", "c.graphml": "neg"}


@pytest.fixture
def labelled(tmp_path):
    """A folder of three graphs with an attribute y, and what writes labels.csv and loads it."""
    for name, label in LABELLED.items():
        nx.write_graphml(nx.Graph([(0, 1)], y=label), tmp_path / name)

    def read(*rows, **options):
        (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            store = load(tmp_path, **options)
        y = [None if code.isnan() else store.classes[int(code)] for code in store.y.float()]
        return y, " ".join(str(one.message) for one in told), store

    return read


def test_groups_alone_in_the_table(labelled) -> None:
    y, told, store = labelled("file,plate", *(f"{n},{n[0]}1" for n in LABELLED), groups="plate")
    assert (y, told, store.groups) == ([*LABELLED.values()], "", ["a1", "b1", "c1"])


def test_columns_that_nothing_reads_are_named(labelled) -> None:
    _, told, _ = labelled("file,label,plate,day", *(f"{n},{y},p,1" for n, y in LABELLED.items()))
    assert told.startswith("'plate', 'day' are not read in ")


def test_graphs_that_the_table_leaves_out_have_their_own_label(labelled) -> None:
    y, told, _ = labelled("file,label", "a.graphml,neg", "c.graphml,")
    assert y == ["neg", "pos", "neg"]
    assert "Of 3 graphs, 2 have no label in " in told
    assert "such as b.graphml: their attribute y is read" in told


def test_labels_that_differ_from_those_of_the_graphs(labelled) -> None:
    y, told, _ = labelled("file,label", "a.graphml,toxic", "c.graphml,inert")
    assert y == ["toxic", None, "inert"]
    assert "not the attribute y of the graphs, which differs: a.graphml has 'toxic'" in told
    assert "there and y='neg'" in told


def test_one_number_may_be_written_in_two_ways(labelled, tmp_path) -> None:
    for name in LABELLED:
        nx.write_graphml(nx.Graph([(0, 1)], y=1.0), tmp_path / name)
    assert labelled("file,label", *(f"{name},1" for name in LABELLED))[:2] == (["1"] * 3, "")


def test_a_table_of_neither(folder) -> None:
    (folder / "labels.csv").write_text("file,labl\na.gexf,1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"Expected a column 'label' .* Did you mean labl"):
        load(folder)


def test_defaults_are_the_values_of_those_without(tmp_path) -> None:
    """Those of one file in GraphML and in GEXF, with parallel edges, and an empty one."""
    keys = {"color": ("string", "yellow"), "k": ("long", "3"), "on": ("boolean", "false")}
    keys |= {"note": ("string", "")}
    declared = "".join(
        f'<key id="{name}" for="node" attr.name="{name}" attr.type="{kind}">'
        f"<default>{default}</default></key>"
        for name, (kind, default) in keys.items()
    )
    (tmp_path / "a.graphml").write_text(
        f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{declared}<key id="w" for="edge" '
        'attr.name="w" attr.type="double"><default>1.5</default></key><graph '
        'edgedefault="undirected"><node id="a"><data key="color">red</data></node><node id="b">'
        '<data key="k">5</data><data key="on">true</data></node><edge id="e0" source="a" '
        'target="b"/><edge id="e1" source="a" target="b"><data key="w">2.0</data></edge></graph>'
        "</graphml>",
        encoding="utf-8",
    )
    declared = "".join(
        f'<attribute id="{name}" title="{name}" type="{kind}"><default>{default}</default>'
        "</attribute>"
        for name, (kind, default) in keys.items()
    )
    (tmp_path / "b.gexf").write_text(
        '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2"><graph defaultedgetype='
        f'"undirected"><attributes class="node">{declared}</attributes><attributes class="edge">'
        '<attribute id="w" title="w" type="double"><default>1.5</default></attribute></attributes>'
        '<nodes><node id="a"><attvalues><attvalue for="color" value="red"/></attvalues></node>'
        '<node id="b"><attvalues><attvalue for="k" value="5"/><attvalue for="on" value="true"/>'
        '</attvalues></node></nodes><edges><edge id="e0" source="a" target="b"/><edge id="e1" '
        'source="a" target="b"><attvalues><attvalue for="w" value="2.0"/></attvalues></edge>'
        "</edges></graph></gexf>",
        encoding="utf-8",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = load(tmp_path, options={"node_attrs": [*keys], "edge_attrs": ["w"]})
    names = ["color=red", "color=yellow", "k=3", "k=5", "on", "note="]
    assert store.vocabulary.node.names() == names
    assert store[0].x.tolist() == store[1].x.tolist() == [[1, 0, 1, 0, 0, 1], [0, 1, 0, 1, 1, 1]]
    assert store.edge_attr.flatten().tolist() == [1.5, 2, 1.5, 2] * 2


@pytest.mark.parametrize("of", ["", 'for="all" '])
@pytest.mark.parametrize("space", ["", ' xmlns="http://graphml.graphdrawing.org/xmlns"'])
def test_defaults_of_all_are_those_of_nodes_and_edges(tmp_path, of: str, space: str) -> None:
    keys = {"w": ("double", "1.5"), "on": ("boolean", "true"), "note": ("string", "")}
    declared = "".join(
        f'<key id="{name}" {of}attr.name="{name}" attr.type="{kind}"><default>{default}</default>'
        "</key>"
        for name, (kind, default) in keys.items()
    )
    (tmp_path / "a.graphml").write_text(
        f'<graphml{space}>{declared}<key id="w2" for="node" attr.name="w" attr.type="double">'
        '<default>2.5</default></key><key id="y" for="graph" attr.name="y" attr.type="string">'
        '<default>ring</default></key><graph edgedefault="undirected"><node id="a"/><node id="b">'
        '<data key="w2">7</data></node><edge source="a" target="b"/></graph></graphml>',
        encoding="utf-8",
    )
    graph = graph_files.read_graph_file(tmp_path / "a.graphml")
    assert dict(graph.nodes(data="w")) == {"a": 2.5, "b": 7.0}  # the key of nodes goes first
    assert [*graph.edges(data=True)] == [("a", "b", {"w": 1.5, "on": True, "note": ""})]
    assert all(values["on"] is True and not values["note"] for values in graph.nodes.values())
    assert graph.graph == {"y": "ring"}


def test_defaults_make_no_values_without_bounds(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(graph_files, "FREE_DEFAULTS", 1000)
    keys = "".join(
        f'<key id="{n}" for="node" attr.name="{n}" attr.type="int"><default>1</default></key>'
        for n in range(1000)
    )
    nodes = "".join(f'<node id="{n}"/>' for n in range(200))
    (tmp_path / "a.graphml").write_text(
        f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{keys}'
        f'<graph edgedefault="undirected">{nodes}</graph></graphml>',
        encoding="utf-8",
    )
    with pytest.raises(UserError, match="its defaults make 200,000"):
        load(tmp_path)


def test_drawings_are_no_features(tmp_path) -> None:
    graph = nx.path_graph(3)
    nx.set_node_attributes(graph, 17.5, "x")
    nx.write_graphml(graph, tmp_path / "a.graphml")
    with pytest.warns(UserWarning, match=r"of nodes 'x' \(node_attrs\)"):
        assert load(tmp_path).vocabulary.node.columns[0].name == "degree"


@pytest.mark.parametrize("write", [nx.write_graphml, nx.write_gexf])
def test_keys_that_return_are_the_users_own(tmp_path, write) -> None:
    graph = nx.MultiGraph([("a", "b", "likes"), ("a", "b", "knows"), ("b", "c", "likes")])
    suffix = write.__name__.partition("_")[2].removesuffix("_lxml")
    write(graph, tmp_path / f"a.{suffix}")
    store = load(tmp_path, options={"edge_attrs": "key"})
    assert store.vocabulary.edge.names() == ["key=knows", "key=likes"]


def test_lists_of_edges(tmp_path) -> None:
    (tmp_path / "a.edgelist").write_text(
        "% sym\nx y 0.5\n\n# all\n % 2 3\ny,z, 2 # last\n", encoding="utf-8"
    )
    (tmp_path / "b.edgelist").write_text("0 1 1\n1 0 1\n", encoding="utf-8")
    store = load(tmp_path)
    assert store.edge_weight.tolist() == [0.5, 0.5, 2, 2, 1, 1]
    (tmp_path / "a.edgelist").write_text("x y\n", encoding="utf-8")
    (tmp_path / "b.edgelist").write_text("0\t1\n", encoding="utf-8")
    assert load(tmp_path).edge_weight is None
    for text, said in (
        ("a b\nc\n", r"a.edgelist, but line 2 has 'c'"),
        ("a b\n\nc d 1\n", "line 3 has 'c d 1'"),
        ("a b x\n", "line 1 has 'a b x'"),
        ("a b 1\nb a 2\n", "each edge once in .*, but line 2 gives b a another weight"),
        ("# nothing\n", "at least one node in a.edgelist"),
    ):
        (tmp_path / "a.edgelist").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=said):
            load(tmp_path)


def test_compressed(folder) -> None:
    nx.write_graphml(nx.path_graph(5), folder / "c.graphml.gz")
    with pytest.warns(UserWarning, match="'element'"):
        assert [graph.num_nodes for graph in load(folder)] == [4, 3, 5]


@pytest.mark.parametrize("suffix", ["graphml", "gexf"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "document type declaration in .*z.{5,8}, but it has one"),
        (OUTSIDE, "document type declaration"),
        (BOMB.replace("[", "["), "could expand"),
        ("<graphml", "Expected XML in .*, but it is none: .*line 1"),
        ("<graphml></graphml>", "one graph in .*, but got 0"),
        ("<a><graph/><graph/></a>", "one graph in .*, but got 2"),
        ("not XML", "Expected XML in"),
        ("", "Expected XML in"),
    ],
)
def test_xml_is_checked_first(folder, suffix, text, said) -> None:
    (folder / f"z.{suffix}").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_columns_of_labels_that_nothing_reads_are_named(folder) -> None:
    table = "file,label,plate\na.gexf,x,p\nb.graphml,y,q\n"
    (folder / "labels.csv").write_text(table, encoding="utf-8")
    with pytest.warns(UserWarning, match="'plate' is not read in .*labels.csv: groups= "):
        load(folder, options={"ignored_attrs": ["element", "length"]})


def test_another_encoding_declared(folder) -> None:
    """The file is UTF-8, whatever it says of itself: so that names are not garbled in silence."""
    nx.write_graphml(nx.path_graph(["ä", "β"]), folder / "c.graphml")
    text = (folder / "c.graphml").read_text(encoding="utf-8")
    assert "utf-8" in text
    said = text.replace("utf-8", "latin-1")
    (folder / "c.graphml").write_text(said, encoding="utf-8")
    with pytest.raises(UserError, match=r"declares .*latin-1"):
        load(folder)
    (folder / "c.graphml").write_bytes(text.replace("utf-8", "UTF-16").encode("utf-16"))
    with pytest.raises(UserError, match="Expected UTF-8 text"):
        load(folder)


@pytest.mark.parametrize(
    "text",
    [
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
        "<node/><node/></graph></graphml>",
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
        '<node id="a"/><edge source="a" target="b"/></graph></graphml>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph><node id="a"/>'
        '<data key="k">1</data></graph></graphml>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="k" for="node" '
        'attr.name="v" attr.type="int"/><graph edgedefault="undirected"><node id="a">'
        '<data key="k">x</data></node></graph></graphml>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
        '<node id="a"/><hyperedge/></graph></graphml>',
    ],
)
def test_odd_graphml_is_one_sentence(folder, text) -> None:
    (folder / "z.graphml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"z.graphml") as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_other_files_are_named(folder) -> None:
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    (folder / "README.md").write_text("x", encoding="utf-8")
    with pytest.warns(UserWarning, match="Not read in the folder .*: notes.txt.$"):
        load(folder)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"node_attrs": ["elemnt"]},
            "In .*graphs: expected the attribute 'elemnt' .* a.gexf has .*mean",
        ),
        ({"nodeattrs": 1}, "arguments of from_networkx, but got nodeattrs"),
        ({"node_attrs": ["label"]}, "attribute 'label'"),
    ],
)
def test_wrong_options(folder, options, said) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(UserError, match=said):
            load(folder, options=options)


def test_no_graphs(tmp_path) -> None:
    with pytest.raises(UserError, match=r"files in the folder .*, but it has none"):
        load(tmp_path)
    with pytest.raises(UserError, match="Expected no smiles"):
        load(tmp_path, smiles="smiles")


def test_hidden_files_are_no_graphs(folder) -> None:
    before = load(folder, options={"node_attrs": "element", "edge_attrs": "length"})
    for name in ("._a.gexf", ".hidden.edgelist"):  # such as macOS leaves
        (folder / name).write_bytes(b"\x00\x05\x16\x07")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        after = load(folder, options={"node_attrs": "element", "edge_attrs": "length"})
    assert (after.ids, after.sha256) == (before.ids, before.sha256)
    assert [file.name for file in place_files(folder)] == ["a.gexf", "b.graphml"]
