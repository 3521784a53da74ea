"""No file that is read runs code: what could is not called, and no trap of any kind springs."""

import ast
import csv
import gzip
import io
import os
import pickle
import shutil
import warnings
import zipfile
from pathlib import Path

import networkx
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch

from graph_hcl.__main__ import main
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.probes.split_files import read_splits
from graph_hcl.run import Run
from graph_hcl.settings import make_config

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    file
    for folder in ("graph_hcl", "benchmarks", "examples")
    for file in (ROOT / folder).rglob("*.py")
)
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "jsonpickle",
           "hickle", "klepto"}  # fmt: skip
CALLS = {"read_pickle", "to_pickle", "eval", "exec", "compile", "unsafe_load", "full_load",
         "load_module", "read_gpickle", "system", "popen"}  # fmt: skip


def called(node: ast.Call) -> tuple[str, str]:
    """Return what a call names before its last point, and after it."""
    if isinstance(node.func, ast.Attribute):
        return ast.unparse(node.func.value), node.func.attr
    return "", getattr(node.func, "id", "")


def forbidden(source: str) -> list[str]:
    """Return the calls and imports of a source that can run what is in a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            found += [a.name for a in node.names if (node.module, a.name) == ("joblib", "load")]
        found += [name for name in names if name.partition(".")[0] in MODULES]
        if not isinstance(node, ast.Call):
            continue
        where, name = called(node)
        given = {one.arg: ast.unparse(one.value) for one in node.keywords}
        is_method = where not in ("", "builtins", "os", "yaml", "pandas", "pd", "networkx", "nx")
        if name in CALLS and not (is_method and name in ("eval", "compile")):
            found.append(f"{where}.{name}")
        if (where, name) == ("torch", "load") and given.get("weights_only") != "True":
            found.append("torch.load")
        if (where, name) in (("yaml", "load"), ("joblib", "load"), ("yaml", "load_all")):
            found.append(f"{where}.load")
        if given.get("allow_pickle", "False") != "False":
            found.append("allow_pickle")
        if given.get("shell", "False") != "False":
            found.append("shell")
    return found


def test_nothing_that_runs_what_a_file_holds_is_called() -> None:
    assert len(SOURCES) > 200
    found = {
        str(file.relative_to(ROOT)): forbidden(file.read_text(encoding="utf-8")) for file in SOURCES
    }
    assert {name: calls for name, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from dill import load", "import marshal as m", "eval('1')", "exec(x)",
     "torch.load(f)", "torch.load(f, weights_only=False)", "np.load(f, allow_pickle=True)",
     "yaml.load(f, Loader=yaml.Loader)", "yaml.unsafe_load(f)", "pd.read_pickle(f)",
     "joblib.load(f)", "from joblib import load", "os.system(x)", "subprocess.run(x, shell=True)"],
)  # fmt: skip
def test_each_of_them_would_be_found(line: str) -> None:
    assert forbidden(line)


class Trap:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self):
        return os.mknod, (self.marker,)


PYTHON = "!!python/object/apply:os.mknod [{marker}]"
XXE = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<graphml><graph edgedefault="directed"><node id="&x;"/></graph></graphml>"""
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 12))
    + ']><graphml><graph edgedefault="directed"><node id="&l11;"/></graph></graphml>'
)
REMOTE = '<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><gexf/>'


@pytest.fixture
def traps(tmp_path: Path):
    """Return the marker, and the trap of each kind as bytes."""
    marker = tmp_path / "sprung"
    pickled = pickle.dumps(Trap(marker))
    saved, objects = io.BytesIO(), io.BytesIO()
    torch.save({"model": Trap(marker)}, saved)
    np.savez(objects, embeddings=np.array([Trap(marker)], dtype=object))
    parquet = io.BytesIO()
    table = pyarrow.table({"smiles": ["C"]})
    meta = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickled,
    }
    field = pyarrow.field("smiles", pyarrow.string(), metadata=meta)
    schema = pyarrow.schema([field], metadata={b"pandas": pickled})
    pyarrow.parquet.write_table(table.cast(schema), parquet)
    formula = f'=cmd|"/c touch {marker}"!A1'
    yield (
        marker,
        {
            "pickle": pickled,
            "pt": saved.getvalue(),
            "npz": objects.getvalue(),
            "gz": gzip.compress(pickled),
            "yaml": PYTHON.format(marker=marker).encode(),
            "nested yaml": f"epochs: {PYTHON.format(marker=marker)}\n".encode(),
            "parquet": parquet.getvalue(),
            "xxe": XXE.encode(),
            "laughs": LAUGHS.encode(),
            "remote": REMOTE.encode(),
            "utf-16": XXE.encode("utf-16"),
            "formula": f'smiles,label\nC,"{formula}"\n'.encode(),
        },
    )
    assert not marker.exists()


def test_a_trap_would_spring(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


READERS = {
    "table": ("t.csv", lambda file: load(file, data_dir=f"{file.parent}/data")),
    "packed table": ("t.csv.gz", lambda file: load(file, data_dir=f"{file.parent}/data")),
    "parquet": ("t.parquet", lambda file: load(file, data_dir=f"{file.parent}/data")),
    "lines": ("g.jsonl", load),
    "graphml": ("f/a.graphml", lambda file: load(f"{file.parent}/")),
    "gexf": ("f/a.gexf", lambda file: load(f"{file.parent}/")),
    "packed graphml": ("f/a.graphml.gz", lambda file: load(f"{file.parent}/")),
    "edges": ("f/a.edgelist", lambda file: load(f"{file.parent}/")),
    "store": ("s.safetensors", GraphStore.open),
    "splits": ("s.json", lambda file: read_splits(file, 4)),
    "config": ("c.yaml", make_config),
    "archive": (
        "T.zip",
        lambda file: load("T", data_dir=f"{file.parent}/data", mirror=str(file.parent)),
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_no_reader_of_files_springs_a_trap(traps, attempt, tmp_path: Path, name: str) -> None:
    (name, read), (_, contents) = READERS[name], traps
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    for kind, content in contents.items():
        for data in (content, gzip.compress(content)) if name.endswith(".gz") else (content,):
            file.write_bytes(data)
            outcome, said = attempt(lambda: read(file))
            assert outcome == "refused" or (
                outcome == "value"
                and (kind in ("parquet", "formula") or file.suffix == ".edgelist")
            ), (kind, outcome, said)
            assert "root:" not in said


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    tiny = [
        "--dataset",
        "MUTAG",
        "--epochs",
        "1",
        "--hidden",
        "4",
        "--layers",
        "1",
        "--beta",
        "0.5",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (
            main(
                [
                    "train",
                    *tiny,
                    "--probe",
                    "class-mean",
                    "--probe.folds",
                    "2",
                    "--out",
                    str(folder),
                ]
            )
            == 0
        )
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml",
        "manifest.json",
        "metrics.jsonl",
        "results.json",
        "checkpoint/seed0.safetensors",
    ],
)
def test_no_file_of_a_run_springs_a_trap(traps, trained, tmp_path: Path, name: str, capsys) -> None:
    folder = Path(shutil.copytree(trained, tmp_path / "run"))
    for content in traps[1].values():
        (folder / name).write_bytes(content)
        (folder / "checkpoint/seed0.safetensors.previous").unlink(missing_ok=True)
        for command in (["evaluate"], ["embed", "--out", str(tmp_path / "z.npz")]):
            code = main([command[0], str(folder), *command[1:]])
            assert code == 2 or name in ("metrics.jsonl", "results.json")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if name == "metrics.jsonl":
                assert Run.open(folder).folder.metrics() == []


def test_a_benchmark_file_springs_no_trap(traps, tmp_path: Path, capsys) -> None:
    for kind, content in traps[1].items():
        (tmp_path / "b.yaml").write_bytes(content)
        assert main(["benchmark", str(tmp_path / "b.yaml"), "--dry-run"]) == 2, kind


def test_an_archive_of_pickles_is_text_that_is_no_number(traps, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "T.zip", "w") as archive:
        for suffix in ("A", "graph_indicator", "graph_labels"):
            archive.writestr(f"T_{suffix}.txt", traps[1]["pickle"])
    with pytest.raises(UserError, match="Expected"):
        load("T", data_dir=str(tmp_path / "data"), mirror=str(tmp_path))


CALLED = ["builtins:exit", "os:abort", "os:system", "shutil:rmtree", "antigravity:fly", "this:s",
          "subprocess:run", "ctypes:CDLL", "code:interact", "builtins:eval", "os.path:join",
          "graph_hcl.files:shutil.rmtree", "graph_hcl.files:time",
          "graph_hcl.lock:suppress"]  # fmt: skip
FLAGS = ["--backbone", "--objective", "--loss.hardening", "--loss.psi", "--readout", "--probe",
         "--probe.metric", "--logger", "--dataset", "--views"]  # fmt: skip


@pytest.mark.parametrize("flag", FLAGS)
def test_an_import_path_names_no_part_of_python(flag: str, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda *_: pytest.fail("a browser was opened"))
    for path in CALLED:
        dataset = [] if flag == "--dataset" else ["--dataset", "MUTAG"]
        values = [f"{path}(1)", "identity"] if flag == "--views" else [path]
        assert main(["train", *dataset, "--epochs", "0", flag, *values]) == 2, path
        said = capsys.readouterr()
        assert len([one for one in said.err.splitlines() if one.startswith("error:")]) == 1
        assert "Beautiful is better" not in said.out
    assert not list(tmp_path.iterdir())


WRONG = {
    "--views": [
        "torch.nn:Identity()",
        "graph_hcl.data:GraphStore",
        "numpy:abs(1)",
        "networkx:Graph()",
    ],
    "--backbone": ["networkx:Graph", "graph_hcl.data:GraphStore"],
    "--objective": ["networkx:Graph", "graph_hcl.data:GraphStore"],
}


@pytest.mark.parametrize("flag", WRONG)
def test_a_class_of_another_kind_is_refused(flag: str, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for path in WRONG[flag]:
        assert main(["train", "--dataset", "MUTAG", "--epochs", "0", flag, path]) == 2, path
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_formula_stays_text_in_what_is_written(tmp_path: Path) -> None:
    from graph_hcl.embedding_files import write_csv

    store = GraphStore.from_networkx([networkx.path_graph(2)] * 2, y=["=1+1", "a"])
    write_csv(tmp_path / "z.csv", np.zeros((2, 1)), store)
    rows = list(csv.reader((tmp_path / "z.csv").open(encoding="utf-8", newline="")))
    assert [row[0] for row in rows] == ["label", "=1+1", "a"]
