"""Data files of each kind, and what reads them."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import pyarrow
import pyarrow.parquet

from graph_hcl.data import GraphStore, load, official_split
from graph_hcl.data.sources import Request
from graph_hcl.data.sources.ogb import OGB
from graph_hcl.data.sources.tu import TU
from tests.hostile.damage import damage_bytes, damage_json
from tests.hostile.forge import forge_gzip
from tests.hostile.reader import Reader, each

TU_FILES = {
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n1, 3\n3, 1\n2, 2\n1, 2\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n1\n2\n2\n2\n",
    "graph_labels": "-1\n1\n",
    "graph_attributes": "0.5, 1\n2, nan\n",
    "node_labels": "3\n5\n3\n4\n3\n3\n",
    "node_attributes": "0.5, 1\n1, 2\n2, 3\n3, 4\n4, 5\n5, 6.25\n",
    "edge_labels": "0\n0\n1\n1\n1\n1\n0\n1\n2\n2\n",
    "edge_attributes": "0.5\n" * 10,
}
README = "Node labels:\n\n  3  C\n  5  N\n\nEdge labels:\n  0  single\n"


def tu() -> list[dict[str, bytes]]:
    names = {f"T/raw/T_{suffix}.txt": text.encode() for suffix, text in TU_FILES.items()}
    whole = {k: v for k, v in names.items() if "graph_attributes" not in k}
    bare = {k: v for k, v in names.items() if k.endswith(("_A.txt", "indicator.txt", "labels.txt"))}
    return [whole, bare | {"T/raw/T_README.txt": README.encode()}]


def used(store: GraphStore) -> None:
    """Use a store as a training does."""
    store.batch(slice(None))
    store.digest()
    store[0]


def read_tu(folder: Path) -> None:
    requests = [Request("T", data_dir=str(folder), node_attributes=one) for one in (False, True)]
    each(*(lambda one=one: used(TU().read(one)) for one in requests))


def ogb() -> list[dict[str, bytes]]:
    texts = {
        "num-node-list": "2\n1\n3\n",
        "num-edge-list": "1\n0\n2\n",
        "edge": "1,0\n0,1\n0,2\n",
        "node-feat": "5,0,4,5,3,0,2,0,0\n" * 6,
        "edge-feat": "0,0,0\n1,0,1\n3,0,1\n",
        "graph-label": "0,1\n,\n1,0.5\n",
        "mol": "a,b,smiles,mol_id\n0,1,CC,x\n,,O,y\n1,0.5,NCC,z\n",
        "train": "2\n0\n",
        "valid": "1\n",
        "test": "",
    }
    single = {"graph-label": "0\n1\n1\n", "mol": "a,smiles,mol_id\n0,C,x\n1,O,y\n1,N,z\n"}
    return [
        {f"ogbg-molt/raw/{name}.csv": text.encode() for name, text in one.items()}
        for one in (texts, texts | single)
    ]


def read_ogb(folder: Path) -> None:
    for file in (folder / "ogbg-molt").glob("*.safetensors"):  # whose stamp may be the same
        file.unlink()
    given = Request("ogbg-molt", data_dir=str(folder))
    each(lambda: used(OGB().read(given)), lambda: official_split("ogbg-molt", str(folder)))


def lines() -> list[dict[str, bytes]]:
    graphs = [
        {"edges": [[0, 1], [1, 0]], "x": [[1, 2], [0, 1]], "y": "a", "id": "g0", "part": 1},
        {"edges": [[0, 1], [1, 2]], "num_nodes": 4, "x": [[1, 2]] * 4, "y": "b", "part": 1},
        {"edges": [], "num_nodes": 1, "x": [[0, 0]], "y": "a", "id": 7, "part": "two"},
    ]
    full = {
        "edges": [[0, 1], [1, 0]], "x": [[0.5], [1.5]], "edge_attr": [[1], [1]], "y": [1, None],
        "edge_weight": [0.5, 0.5], "pos": [[0.0, 1.0], [1.0, 2.0]],
    }  # fmt: skip
    bare = [{"edges": [[0, 1], [1, 2]], "part": 1}, {"edges": [[0, 3]], "y": 1, "part": 2}]
    texts = ["\n".join(map(json.dumps, one)) for one in (graphs, [full, full], bare)]
    return [{"g.jsonl": text.encode()} for text in texts]


def loaded(source: str | Path, *options: dict[str, Any]) -> None:
    """Load and use a source with each of several options."""
    each(*(lambda one=one: used(load(source, **one)) for one in options))


def read_lines(folder: Path) -> None:
    loaded(folder / "g.jsonl", {}, {"groups": "part"}, {"labels": "classes", "undirected": True})


def drawn() -> networkx.Graph:
    graph = networkx.path_graph(3)
    networkx.set_node_attributes(graph, {0: "C", 1: "O", 2: "C"}, "element")
    networkx.set_node_attributes(graph, 0.5, "charge")
    networkx.set_edge_attributes(graph, 1.5, "length")
    graph.graph["y"] = "ring"
    return graph


def graph_folders() -> list[dict[str, bytes]]:
    graphml, gexf = io.BytesIO(), io.BytesIO()
    networkx.write_graphml_xml(drawn(), graphml)
    networkx.write_gexf(drawn(), gexf)
    edges = b"a b 0.5\n# comment\nb c 2\nc,d\t1\n"
    table = b"file,label,batch\na.graphml,ring,1\nb.graphml,path,2\n"
    return [
        {"a.graphml": graphml.getvalue(), "b.graphml": graphml.getvalue(), "labels.csv": table},
        {"a.gexf": gexf.getvalue()},
        {
            "a.edgelist": edges,
            "b.edgelist": b"1 2\n2 3\n",
            "labels.csv": table.replace(b"graphml", b"edgelist"),
        },
        {"a.edgelist": edges},
        {"a.graphml.gz": gzip.compress(graphml.getvalue())},
    ]


def read_folder(folder: Path) -> None:
    attributes = {"node_attrs": ["element", "charge"], "edge_attrs": ["length"]}
    loaded(f"{folder}/", {}, {"options": attributes}, {"groups": "batch"})


def tables() -> list[dict[str, bytes]]:
    text = b'smiles,label,logp,name\nCCO,a,0.5,"x, y"\nc1ccccc1,b,1e-3,z\nCC(=O)O,a,,w\n'
    rows = {"smiles": ["CCO", "C", "CC"], "label": [1, 0, None], "logp": [0.5, 1.0, 2.0]}
    rows["name"] = ["x", "y", None]
    parquet, nested = io.BytesIO(), io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(rows), parquet)
    pyarrow.parquet.write_table(
        pyarrow.table({"smiles": [["C"], ["N"]], "label": [{"a": 1}, {"a": 2}]}), nested
    )
    return [
        {"t.csv": text},
        {"t.tsv": text.replace(b",", b"\t")},
        {"t.smi": b"CCO ethanol\nC methane gas\nc1ccccc1\n"},
        {"t.csv.gz": gzip.compress(text)},
        {"t.parquet": parquet.getvalue()},
        {"t.parquet": nested.getvalue()},
    ]


def read_table(folder: Path) -> None:
    file = next(one for one in folder.iterdir() if one.is_file())
    given = {"data_dir": str(folder / "data")}
    if ".smi" in file.name:
        loaded(file, given | {"groups": "scaffold"})
        return
    loaded(
        file,
        given | {"targets": "label", "invalid": "skip"},
        given | {"targets": ["logp"], "ids": "name", "groups": "scaffold"},
        given | {"targets": ["label", "logp"]},
    )


READERS: dict[str, Callable[[Path], Reader]] = {
    "tu": lambda _: Reader(tu(), read_tu),
    "ogb": lambda _: Reader(ogb(), read_ogb),
    "lines": lambda _: Reader(lines(), read_lines, {"jsonl": damage_json}),
    "folder": lambda _: Reader(graph_folders(), read_folder, {"gz": forge_gzip}),
    "table": lambda _: Reader(tables(), read_table, {"gz": forge_gzip, "parquet": damage_bytes}),
}
"""Readers by name, each made with the help of an empty folder."""
