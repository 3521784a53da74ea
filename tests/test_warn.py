"""Warnings point at the user's line: the first outside the package, however it was reached."""

import functools
import json
import shutil
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch_geometric.data import Batch, Data

from graph_hcl import HUCL, GraphContrast
from graph_hcl.console import run_command
from graph_hcl.data import GraphStore, load
from graph_hcl.data.batch import concat
from graph_hcl.losses import Pairs, contrastive_loss
from graph_hcl.probes import RareClassWarning, Transductive, evaluate, inductive, stratified_folds
from graph_hcl.probes.targets import Targets
from graph_hcl.warn import warn_user

PACKAGE = Path(__file__).parents[1] / "graph_hcl"
RNG = np.random.default_rng(0)
Z = torch.nn.functional.normalize(torch.from_numpy(RNG.normal(size=(8, 4))), dim=1)
LONG = 30 * Z
X, Y = RNG.normal(size=(21, 2)), [0, 1] * 10 + [2]
"""Features and labels of which one class is rare."""
RAW = HUCL(temperature=0.07, normalize=False)
SMALL = {"epochs": 1, "hidden": 4, "layers": 1, "device": "cpu", "random_state": 0}


def cycles(**attributes: object) -> list[nx.Graph]:
    graphs = [nx.cycle_graph(n) for n in range(3, 9)]
    for graph in graphs:
        nx.set_node_attributes(graph, "C", "element")
        nx.set_node_attributes(graph, attributes)
    return graphs


def with_element(element: str) -> GraphStore:
    graphs = cycles()
    for graph in graphs:
        nx.set_node_attributes(graph, element, "element")
    return GraphStore.from_networkx(graphs, node_attrs=["element"])


def one_way() -> Data:
    return Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1], [1, 2]]))


class Mine(nn.Module):
    """A module of the user's that holds a loss of the package."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = RAW

    def forward(self, z: Tensor) -> Tensor:
        return self.loss(z[:4], z[4:])


@pytest.fixture(scope="module")
def fitted() -> GraphContrast:
    return GraphContrast("h-ucl", **SMALL).fit(with_element("C"))


@pytest.fixture
def files(tmp_path: Path, fitted: GraphContrast) -> Path:
    """Return a folder with graphs in files of each kind, and a run whose checkpoint is damaged."""
    entry = {"edges": [[0, 1], [1, 0]], "num_nodes": 2, "colour": "red"}
    (tmp_path / "lines.jsonl").write_text(json.dumps(entry), encoding="utf-8")
    (tmp_path / "table.csv").write_text("smiles,y\nCC,1\nC,0\nno,1\n", encoding="utf-8")
    fitted.save(tmp_path / "run")
    (kept,) = (tmp_path / "run" / "checkpoint").glob("*.safetensors")
    shutil.copy(kept, f"{kept}.previous")
    content = bytearray(kept.read_bytes())
    content[-30] ^= 1
    kept.write_bytes(content)
    return tmp_path


WARNING: dict[str, Callable[[Path, GraphContrast], object]] = {
    "load of lines": lambda files, _: load(str(files / "lines.jsonl")),
    "load of a table": lambda files, _: load(
        str(files / "table.csv"), invalid="skip", data_dir=str(files)
    ),
    "from_networkx": lambda *_: GraphStore.from_networkx(cycles()),
    "from_data": lambda *_: GraphStore.from_data([one_way()]),
    "from_smiles": lambda *_: GraphStore.from_smiles(["CC", "no"], invalid="skip"),
    "concat": lambda *_: concat(
        [Batch.from_data_list([one_way()]), Batch.from_data_list([one_way().update({"y": Z[0]})])]
    ),
    "fit": lambda *_: GraphContrast("ucl", **SMALL).fit([one_way(), one_way()]),
    "fit in a pipeline": lambda *_: make_pipeline(
        FunctionTransformer(), GraphContrast("ucl", **SMALL)
    ).fit([one_way(), one_way()]),
    "transform": lambda _, fitted: fitted.transform(with_element("N")),
    "transform_nodes": lambda _, fitted: fitted.transform_nodes(with_element("N")),
    "load of a model": lambda files, _: GraphContrast.load(files / "run"),
    "evaluate": lambda *_: evaluate(X, Y, folds=5, jobs=1),
    "inductive": lambda *_: inductive(
        lambda number, fold: X, Y, folds=stratified_folds(Y, folds=5, validation=0.2), jobs=1
    ),
    "check of a protocol": lambda *_: Transductive(5).check(Targets.of(Y), None, [0], jobs=1),
    "loss": lambda *_: RAW(LONG[:4], LONG[4:]),
    "loss in a module": lambda *_: Mine()(LONG),
    "loss in a function of torch": lambda *_: checkpoint(
        RAW, LONG[:4], LONG[4:], use_reentrant=False
    ),
    "loss without gradients": lambda *_: torch.no_grad()(RAW)(LONG[:4], LONG[4:]),
    "loss in a partial": lambda *_: functools.partial(RAW, LONG[:4])(LONG[4:]),
    "loss with a schedule": lambda *_: HUCL(schedule="linear")(Z[:4], Z[4:]),
    "function": lambda *_: contrastive_loss(
        LONG, Pairs.among(torch.arange(8) % 4, torch.arange(8) % 4), temperature=0.07
    ),
}


@pytest.mark.parametrize("name", WARNING)
def test_a_warning_points_at_the_users_line(name: str, files: Path, fitted: GraphContrast) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        WARNING[name](files, fitted)
    own = [one for one in told if issubclass(one.category, UserWarning)]
    assert own
    assert {one.filename for one in own} == {__file__}


def test_a_warning_points_at_the_call_in_a_users_module() -> None:
    with pytest.warns(UserWarning, match="not normalised") as told:
        Mine()(LONG)
    assert told[0].lineno == Mine.forward.__code__.co_firstlineno + 1


def test_a_line_is_told_once_and_another_again() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for _ in range(3):
            RAW(LONG[:4], LONG[4:])
        RAW(LONG[:4], LONG[4:])
    assert [one.lineno - told[0].lineno for one in told] == [0, 1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_warning_in_a_thread_points_at_a_line_outside(jobs: int) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        Parallel(jobs, backend="threading")(delayed(warn_user)(text) for text in ("a", "b"))
    assert sorted(str(one.message) for one in told) == ["a", "b"]
    assert not any(str(PACKAGE) in one.filename for one in told)
    assert jobs > 1 or {one.filename for one in told} == {__file__}


def test_code_without_a_module_is_warned() -> None:
    with pytest.warns(UserWarning, match="it rains") as told:
        exec(compile("warn('it rains')", "typed", "exec"), {"warn": warn_user})
    assert (told[0].filename, told[0].lineno) == ("typed", 1)


def made() -> None:
    """Warn in code that a dataclass of the package makes: it has a module, but no file."""
    exec("warn('it rains')", {"warn": warn_user, "__name__": "graph_hcl.made"})


def left() -> None:
    with ExitStack() as stack:
        stack.callback(warn_user, "it rains")


def dispatched() -> None:
    functools.singledispatch(warn_user)("it rains")


@pytest.mark.parametrize("function", [made, left, dispatched])
def test_frames_between_are_passed(function: Callable[[], None]) -> None:
    with pytest.warns(UserWarning, match="it rains") as told:
        function()
    assert told[0].filename == __file__


@pytest.mark.parametrize(
    ("category", "text"),
    [
        (UserWarning, "warning: it rains\n"),
        (RareClassWarning, "warning: it rains\n"),
        (RuntimeWarning, "file.py:3: RuntimeWarning: it rains\n"),
    ],
)
def test_a_command_gives_warnings_of_the_package_without_a_place(category, text: str) -> None:
    told: list[str] = []
    run_command(
        lambda _: told.append(warnings.formatwarning("it rains", category, "file.py", 3)), []
    )
    assert told == [text]


def test_no_frames_are_counted() -> None:
    """Numbers of frames, as of `warnings.warn`, are wrong as soon as a function is wrapped."""
    files = [file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "warn.py"]
    assert len(files) > 100
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "stacklevel" not in text, file
        assert "warnings.warn(" not in text, file
