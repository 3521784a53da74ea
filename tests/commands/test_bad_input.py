"""Bad input costs one sentence and exit 2, and leaves nothing behind."""

import itertools
import json
import re
from pathlib import Path

import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

from graph_hcl import GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.probes import evaluate
from graph_hcl.results_file import read_results

pytest.importorskip("rdkit")
FAST = ["--epochs", "1", "--hidden", "8", "--layers", "1", "--probe.folds", "3", "--device", "cpu"]
PAIR = [[0, 1], [1, 0]]
MOLECULES = [
    head + tail
    for head, tail in itertools.product(
        ["C", "CC", "CCC", "C1CC1", "c1ccncc1"], ["O", "N", "C(=O)O", "c1ccccc1"]
    )
]
MODULE = """
import torch
from torch_geometric.data import Data

def graphs(value=1.0, width=1, nodes=2, label=0, count=20):
    edges = torch.tensor([[0, 1], [1, 0]]) if nodes else torch.empty(2, 0, dtype=torch.long)
    made = []
    for k in range(count):
        x = torch.ones(nodes, width if k == 3 else 1)
        if k == 3:
            x[:1] = value
        made.append(Data(x=x, edge_index=edges, y=label if k == 3 else k % 2))
    return made

def unlabelled():
    return [Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]), y=float("nan"))] * 9
"""


def write_lines(name: str, *graphs: dict) -> None:
    Path(name).write_text("\n".join(map(json.dumps, graphs)), encoding="utf-8")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of bad files of all kinds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path / "data"))

    def table(name, *columns):
        rows = zip(MOLECULES, *columns, strict=True)
        text = "\n".join(",".join(map(str, row)) for row in rows)
        head = "smiles,active,size,hole"[: len("smiles,active") if len(columns) == 1 else None]
        Path(name).write_text(f"{head}\n{text}\n", encoding="utf-8")

    active = [k % 2 for k in range(20)]
    table("good.csv", active, [k * 0.37 for k in range(20)], [""] * 20)
    table("one.csv", [1] * 20)
    table("rare.csv", [int(k == 0) for k in range(20)])
    Path("bad.csv").write_text("smiles,active\nCCO,1\nC1CC,0\nCCN,0\nCC,1\n", encoding="utf-8")
    Path("none.csv").write_text("smiles,active\nC1CC,1\nnothing,0\n", encoding="utf-8")
    Path("header.csv").write_text("smiles,active\n", encoding="utf-8")
    Path("empty.csv").write_text("", encoding="utf-8")
    Path("empty.jsonl").write_text("\n", encoding="utf-8")
    write_lines("nodes.jsonl", {"edges": PAIR, "y": 0}, {"edges": [], "num_nodes": 0, "y": 1})
    write_lines("bare.jsonl", {"edges": PAIR, "num_nodes": 2, "y": 0}, {"edges": [], "y": 1})
    x = [[1.0], [2.0]]
    write_lines("wide.jsonl", {"edges": PAIR, "x": x}, {"edges": PAIR, "x": [[1.0, 2.0]] * 2})
    write_lines("some.jsonl", {"edges": PAIR, "x": x}, {"edges": PAIR, "num_nodes": 2})
    write_lines("nan.jsonl", {"edges": PAIR, "x": [[1.0], [float("nan")]]})
    write_lines("tasks.jsonl", *[{"edges": PAIR, "num_nodes": 2, "y": [10**9, 1]}] * 9)
    Path("graphs").mkdir()
    for name, graph in (("a", nx.path_graph(3)), ("b", nx.Graph())):
        nx.write_graphml(graph, f"graphs/{name}.graphml")
    Path("nothing").mkdir()
    Path("badly.py").write_text(MODULE, encoding="utf-8")


def kept() -> set[str]:
    return {str(path) for path in Path().rglob("*") if "__pycache__" not in str(path)}


DATA = [
    ("bad.csv", r"molecules in .*bad.csv, .*1 of 4 cannot be read: line 3 has 'C1CC'"),
    ("none.csv --data.invalid skip", "none is one: line 2 has 'C1CC', line 3 has 'nothing'"),
    ("header.csv --data.targets active", r"molecules in .*header.csv, .* but there are none"),
    ("empty.csv", r"header line in .*empty.csv, but the file is empty"),
    ("empty.jsonl", r"graph on each line of .*empty.jsonl, but it has none"),
    ("missing.csv", r"a file at .*missing.csv, but there is none"),
    ("nothing", r"folder nothing(, but it)? has no"),
    ("./nothing", r"files in the folder .*nothing, but it has none"),
    ("nodes.jsonl", r"num_nodes of 1 or more, .*but line 2 of .*nodes.jsonl has 0"),
    ("bare.jsonl", "expected at least one node in line 2, but it is empty"),
    ("graphs", r"In .*graphs: expected at least one node in b.graphml"),
    ("badly:graphs --data.options.nodes 0", "at least one node in graph 0, but it is empty"),
    ("badly:graphs --data.options.count 0", "at least one graph in what badly:graphs returns"),
    ("wide.jsonl", r"x of one shape in all graphs, but it is \[·, 1\] in line 1 and \[·, 2\] in l"),
    ("some.jsonl", "'x' in all graphs or in none, but line 2 has none and line 1 has it"),
    ("badly:graphs --data.options.width 2", r"x of one shape in all graphs.* graph 3"),
    ("nan.jsonl", r"finite numbers in x, but line 1 has nan in x\[0\]"),
    ("badly:graphs --data.options.value .nan", "finite numbers in x, but graph 3 has nan"),
    ("badly:graphs --data.options.value .inf", "finite numbers in x, but graph 3 has inf"),
    ("badly:unlabelled", "label of some graph, but all 9 are missing"),
    ("tasks.jsonl", r"tasks of 0 and 1, or real targets, but got 1e\+09"),
    ("good.csv --data.targets activ", r"a column 'activ' in .* Did you mean active\?"),
    ("good.csv --data.targets hole", "label in the column 'hole', but all 20 entries are missing"),
    ("good.csv --data.groups batch", "Expected a column 'batch' in"),
    ("good.csv --data.smiles active", "none is one: line 2 has '0'"),
    ("MUTAG --data.groups scaffold", r"Expected no groups \(--data.groups\) for 'MUTAG'"),
    ("MUTAG --protocol inductive --probe.splits official", "a split of its own, .* got MUTAG"),
]
"""Data that cannot be read as asked for, which leaves no cache either."""
MEASURING = [
    ("bad.csv --data.targets active --data.invalid skip", "3 folds, but the largest class"),
    ("one.csv --data.targets active", "two classes or more, but all 20 graphs are of one class"),
    ("rare.csv --data.targets active", "two classes in the training part of fold 0, but all of"),
    ("rare.csv --data.targets active --objective scl", "two classes in the training part of fold"),
    (
        "good.csv --data.targets active --metric roc_auc --probe.folds 7 --probe.splits s.json "
        "--protocol inductive",
        "Expected a JSON file of splits at",
    ),
    ("good.csv --data.targets size --metric accuracy", "of regression targets, but accuracy serv"),
    ("good.csv --data.targets size --objective h-scl", "one class label each for the objective"),
    ("good.csv --data.targets smiles", "are these classes"),
    ("MUTAG --init-from nothing", "a run folder with a config.yaml at .*nothing, but found none"),
]
"""Data that can be read, and is cached whole, but not measured as asked for."""


def refused(argv: list[str], sentence: str, capsys) -> None:
    """Check that a command costs one sentence, exit 2, and leaves no run."""
    assert main(argv) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error")]
    assert re.search(sentence, line), line
    assert line.endswith((".", "?"))
    assert not Path("no").exists()
    assert not Path("runs").exists()


def words(flags: str) -> list[str]:
    fast = FAST if "--probe.folds" not in flags else [*FAST[:6], *FAST[8:]]
    return ["train", "--dataset", *flags.split(), *fast, "--out", "no"]


@pytest.mark.parametrize(("flags", "sentence"), DATA)
@pytest.mark.filterwarnings("ignore")
def test_data_that_cannot_be_read(flags: str, sentence: str, capsys) -> None:
    before = kept()
    refused(words(flags), sentence, capsys)
    assert kept() == before


@pytest.mark.parametrize(("flags", "sentence"), MEASURING)
@pytest.mark.filterwarnings("ignore")
def test_data_that_cannot_be_measured(flags: str, sentence: str, capsys) -> None:
    refused(words(flags), sentence, capsys)
    assert not [path for path in kept() if ".tmp" in path or ".fetch" in path]


@pytest.mark.parametrize("command", ["evaluate", "embed", "report", "train --resume"])
def test_a_folder_without_a_run(command: str, capsys) -> None:
    out = ["--out", "z.npz"] if command == "embed" else []
    before = kept()
    refused([*command.split(), "nothing", *out], "a run folder with a config.yaml at no", capsys)
    assert kept() == before


@pytest.mark.filterwarnings("ignore")
def test_a_billion_is_the_name_of_a_class(capsys) -> None:
    flags = ["--data.options.label", str(10**9), "--probe", "class-mean", "--objective", "ucl"]
    assert main(["train", "--dataset", "badly:graphs", *flags, *FAST, "--out", "run"]) == 0
    assert "20 graphs, 3 classes" in capsys.readouterr().err
    (comparison,) = read_results(Path("run/results.json")).comparisons().values()
    assert 10**9 in {label for fold in comparison.trained.folds for label in fold.labels}


EDGE = torch.tensor(PAIR)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: load("bad.csv"), "line 3 has 'C1CC'"),
        (lambda: load("header.csv"), "but there are none"),
        (lambda: load("good.csv", targets="activ"), "Did you mean active"),
        (lambda: load("good.csv", groups="batch"), "Expected a column 'batch'"),
        (lambda: GraphContrast(epochs=1).fit(["CCO", "C1CC"]), "molecule 1 has 'C1CC'"),
        (lambda: GraphContrast(epochs=1).fit([nx.path_graph(3), nx.Graph()]), "at least one node"),
        (lambda: GraphContrast(epochs=1).fit("nodes.jsonl"), "num_nodes of 1 or more"),
        (
            lambda: GraphStore.from_data(
                [Data(x=torch.ones(2, 1 + k), edge_index=EDGE) for k in (0, 1)]
            ),
            "x of one shape",
        ),
        (
            lambda: GraphContrast(epochs=1).fit(
                [Data(x=torch.full((2, 1), float("nan")), edge_index=EDGE)] * 3
            ),
            "finite numbers in x",
        ),
        (lambda: evaluate([[0.0]] * 9, [1] * 9), "two classes or more"),
        (
            lambda: evaluate(
                [[0.0]] * 9, [0.5 * k for k in range(9)], metrics=["accuracy"], folds=3, jobs=1
            ),
            "of regression targets, but accuracy",
        ),
        (lambda: evaluate([[0.0]] * 9, [0] * 8 + [1], folds=3, jobs=1), "training part of fold"),
        (lambda: evaluate([[0.0]] * 9, [0, 1, 0] * 3, groups=[0] * 8), "each of the 9 graphs"),
        (lambda: GraphContrast.load("nothing"), "a run folder with a config"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_same_in_python(call, sentence: str) -> None:
    before = kept()
    with pytest.raises(UserError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert kept() == before
