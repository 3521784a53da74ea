"""Files and folders are given as text or as a Path, and anything else is refused in a sentence."""

import importlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from graph_hcl import GraphContrast, data, plot, probes, reporting, training
from graph_hcl.__main__ import main
from graph_hcl.data import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.training import RunFolder

MODULES = ("", ".data", ".plot", ".probes", ".reporting", ".training")
GRAPHS = [nx.cycle_graph(n) for n in range(3, 9)]
FILE = "run/checkpoint/seed0.safetensors"
SMALL: dict[str, Any] = {"epochs": 0, "hidden": 4, "layers": 1, "random_state": 0}


def after(make: Callable[[Any], object], place: Any) -> Any:
    """Return a place where something is made first, if it can be one."""
    if isinstance(place, str | Path):
        make(place)
    return place


def saved(place: Any) -> Any:
    return after(data.as_store(GRAPHS).save, place)


def a_run(place: Any, graphs: Any = GRAPHS) -> Any:
    return after(GraphContrast(**SMALL).fit(graphs).save, place)


def splits(place: Any) -> Any:
    text = '[{"test": [0, 1], "model_selection": [{"train": [2], "validation": [3]}]}, ' + (
        '{"test": [2, 3], "model_selection": [{"train": [0], "validation": [1]}]}]'
    )
    return after(lambda at: Path(at).expanduser().write_text(text, encoding="utf-8"), place)


DOORS: dict[str, Callable[[Any], object]] = {
    "GraphContrast": lambda at: GraphContrast(init_from=a_run(at), **SMALL).fit(GRAPHS),
    "GraphContrast.save": lambda at: GraphContrast(**SMALL).fit(GRAPHS).save(at),
    "GraphContrast.load": lambda at: GraphContrast.load(a_run(at)),
    "GraphStore.save": lambda at: data.as_store(GRAPHS).save(at),
    "GraphStore.open": lambda at: GraphStore.open(saved(at)),
    "GraphStore.metadata": lambda at: GraphStore.metadata(saved(at)),
    "load": lambda at: data.load("digits", data_dir=at),
    "official_split": lambda at: data.official_split("ogbg-molbace", data_dir=at),
    "save": lambda at: plot.save(plot.ranks([{"epoch": 1, "effective_rank": 7.0}]), at),
    "read_splits": lambda at: probes.read_splits(splits(at), 4),
    "Inductive": lambda at: probes.Inductive(splits=splits(at)).split(
        probes.Targets.of([0, 1, 1, 0]), 0
    ),
    "read_run": lambda at: reporting.read_run(a_run(at, "digits"), "mine"),
    "write_report": lambda at: reporting.write_report([], at),
    "Checkpoint": lambda at: training.Checkpoint(at).epoch(),
    "RunFolder": lambda at: RunFolder(at).metrics(),
    "RunFolder.open": lambda at: RunFolder.open(a_run(at)),
    "RunFolder.check_place": lambda at: RunFolder.check_place(at),
    "RunFolder.create": lambda at: RunFolder.create(at, "mine", {}),
}


def public() -> dict[str, Any]:
    """Return what the modules offer: functions, classes and their methods."""
    found = {}
    for module in MODULES:
        package = importlib.import_module(f"graph_hcl{module}")
        for name in package.__all__:
            found[name] = getattr(package, name)
            if inspect.isclass(found[name]):
                methods = inspect.getmembers(found[name], callable)
                found |= {f"{name}.{m}": f for m, f in methods if not m.startswith("_")}
    return found


def takes_a_path(function: Any) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any("Path" in str(one.annotation) for one in parameters)


def test_the_doors_are_all_there_are() -> None:
    assert {name for name, door in public().items() if takes_a_path(door)} == set(DOORS)


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("door", DOORS)
def test_text_and_a_path_are_the_same(door: str, kind: type, tmp_path: Path) -> None:
    if door == "official_split" and not os.environ.get("GRAPH_HCL_OGB_MIRROR"):
        pytest.skip("needs $GRAPH_HCL_OGB_MIRROR")
    DOORS[door](kind(tmp_path / "here"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder that is not the current one."""
    for name in ("home", "elsewhere"):
        (tmp_path / name).mkdir()
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "home"


@pytest.mark.parametrize("door", DOORS)
def test_a_tilde_is_the_home_folder(door: str, home: Path) -> None:
    if door == "official_split" and not os.environ.get("GRAPH_HCL_OGB_MIRROR"):
        pytest.skip("needs $GRAPH_HCL_OGB_MIRROR")
    DOORS[door]("~/here")
    assert list(Path().iterdir()) == []


def test_a_tilde_is_the_home_folder_in_commands(home: Path) -> None:
    tiny = ["--dataset", "MUTAG", "--epochs", "1", "--hidden", "4", "--layers", "1"]
    quick = [*tiny, "--config=~/a.yaml"]
    (home / "a.yaml").write_text("{probe: {name: class-mean, folds: 3}}", encoding="utf-8")
    (home / "b.yaml").write_text(
        "{datasets: [MUTAG], common: {hidden: 4, layers: 1, probe: {folds: 3}}, "
        "methods: {bag: {baseline: bag}, ucl: {config: ~/a.yaml, epochs: [0]}}}",
        encoding="utf-8",
    )
    for command in (
        ["train", *quick, "--out=~/run"],
        ["train", "--resume=~/run", "--epochs=2"],
        ["train", *quick, "--init-from=~/run", "--out=~/again"],
        ["train", *quick, f"--init-from=~/{FILE}", "--out=~/from-a-file"],
        ["evaluate", "~/run", "--probe=knn"],
        ["embed", "~/run", "--out=~/e.csv"],
        ["report", "~/run"],
        ["report", "~/run", "~/again", "--out=~/both.html"],
        ["benchmark", "~/b.yaml", "--out=~/first"],
        ["benchmark", "~/b.yaml", "--out=~/second"],
        ["benchmark", "~/b.yaml", "--out=~/first", "--compare-to=~/second"],
    ):
        assert main(command) == 0, command
    assert list(Path().iterdir()) == []
    made = "run/report.html again/results.json e.csv both.html first/comparison.md second/trials"
    assert [name for name in made.split() if not (home / name).exists()] == []


def test_a_tilde_without_a_home_folder_is_told() -> None:
    with pytest.raises(UserError, match=r"^Expected a home folder for a path with ~"):
        RunFolder("~nobody-is-called-so/run")


@pytest.mark.parametrize("door", DOORS)
def test_a_number_is_no_path(door: str) -> None:
    with pytest.raises(UserError, match=r"^Expected .* but got 3") as told:
        DOORS[door](3)
    assert "\n" not in str(told.value)
