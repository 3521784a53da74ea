"""Commands where the terminal, the home folder, the current one or a package is not as usual."""

import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from graph_hcl.__main__ import main

TINY = [
    *("--dataset", "MUTAG", "--hidden", "4", "--layers", "1", "--epochs", "1"),
    *("--probe", "class-mean", "--probe.folds", "2"),
]
TRAIN = ["train", *TINY, "--out", "run"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert main([*TRAIN[:-1], str(folder)]) == 0
    return folder


@pytest.fixture
def place(trained: Path, tmp_path: Path, monkeypatch) -> Path:
    shutil.copytree(trained, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def error(capsys) -> str:
    """Return the error, which is one sentence."""
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert said[0].endswith(".")
    return said[0]


def test_a_terminal_of_ascii(place: Path, monkeypatch) -> None:
    methods = {"β-bag": {"baseline": "bag"}}
    spec = {"datasets": ["MUTAG"], "methods": methods, "common": {"probe": {"folds": 2}}}
    Path("tiny.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    for command, character in (
        (["train", *TINY, "--out", "rün"], "±"),
        (["evaluate", "rün", "--probe", "knn"], "±"),
        (["report", "rün"], "ü"),
        (["embed", "rün", "--out", "ü.npz"], "ü"),
        (["benchmark", "tiny.yaml"], "β"),
        (["--help"], "usage"),
    ):
        out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, "stdout", out)
        assert main(command) == 0
        shown = out.buffer.getvalue().decode("ascii")
        assert character.encode("ascii", "backslashreplace").decode() in shown
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    with pytest.raises(SystemExit, match="0"):
        main(["train", "--help", "loss"])
    assert "±" in Path("runs/tiny/tables.md").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="another home")
@pytest.mark.parametrize("kind", ["none", "a file"])
def test_a_home_that_cannot_be_used(place: Path, kind: str, monkeypatch, capsys) -> None:
    import pwd

    def unknown(*arguments: object) -> None:
        raise KeyError("no such user")

    monkeypatch.delenv("GRAPH_HCL_DATA", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    if kind == "none":
        monkeypatch.setattr(pwd, "getpwuid", unknown)
    else:
        Path("home").write_text("", encoding="utf-8")
        monkeypatch.setenv("HOME", str(place / "home"))
    named = "set $HOME" if kind == "none" else "home/.cache"
    assert main(["train", *TINY, "--out", "new"]) == 2
    assert named in error(capsys)
    assert not Path("new").exists()
    for command in (["train", *TINY, "--out", "new"], ["evaluate", "new"], ["report", "new"]):
        assert main([*command, "--data-dir", "data"]) == 0


def test_relative_places_of_a_run_that_goes_on_elsewhere(tmp_path: Path, monkeypatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    monkeypatch.chdir(here)
    assert main(["train", *TINY, "--out", "first", "--data-dir", "data"]) == 0
    shutil.copytree("data/MUTAG/raw", "mirror/MINE")
    for file in Path("mirror/MINE").iterdir():
        file.rename(file.with_name(file.name.replace("MUTAG", "MINE")))
    even, odd = [*range(0, 188, 2)], [*range(1, 188, 2)]
    folds = [
        {"test": test, "model_selection": [{"train": rest[10:], "validation": rest[:10]}]}
        for test, rest in ((even, odd), (odd, even))
    ]
    Path("folds.json").write_text(json.dumps(folds), encoding="utf-8")
    small = [*TINY[2:-2], "--dataset", "MINE", "--protocol", "inductive"]
    places = ["--mirror", "mirror", "--data-dir", "own", "--probe.splits", "folds.json"]
    assert main(["train", *small, *places, "--out", "run"]) == 0
    settings = yaml.safe_load(Path("run/config.yaml").read_text(encoding="utf-8"))
    assert settings["probe"]["splits"] == str(here / "folds.json")
    monkeypatch.chdir(there)
    again = ["--mirror", "../here/mirror", "--data-dir", "../here/own"]
    assert main(["train", "--resume", "../here/run", "--epochs", "2", *again]) == 0
    assert main(["evaluate", "../here/run", "--probe", "knn", *again]) == 0
    assert main(["evaluate", "../here/run", "--trust-code"]) == 0
    assert list(there.iterdir()) == []


def test_fixed_folds_that_are_gone(place: Path, monkeypatch, capsys) -> None:
    assert main(["train", *TINY, "--protocol", "inductive", "--probe.splits", "no.json"]) == 2
    assert "no.json" in error(capsys)
    assert not Path("runs").exists()


EXTRAS = [
    ("rdkit", "molecules", ["train", "--dataset", "m.csv"]),
    ("umap", "umap", ["report", "run", "--map", "umap"]),
    ("ray", "ray", ["benchmark", "bag.yaml", "--engine", "ray"]),
    ("tensorboard", "tensorboard", ["train", *TINY, "--logger", "tensorboard"]),
    ("wandb", "wandb", ["train", *TINY, "--logger", "wandb"]),
    ("mlflow", "mlflow", ["train", *TINY, "--logger", "mlflow"]),
]


@pytest.mark.parametrize(("package", "extra", "command"), EXTRAS)
def test_an_extra_that_is_not_installed(
    place: Path, package: str, extra: str, command: list[str], monkeypatch, capsys
) -> None:
    for name in [package, *(one for one in sys.modules if one.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("lightning", "lightning_fabric", "pytorch_lightning", "tensorboardX"):
        monkeypatch.setitem(sys.modules, name, None)
    Path("m.csv").write_text("smiles,label\nC,1\nN,0\n", encoding="utf-8")
    bag = {"datasets": ["MUTAG"], "methods": {"bag": {"baseline": "bag"}}}
    Path("bag.yaml").write_text(yaml.safe_dump(bag), encoding="utf-8")
    assert main(command) == 2
    assert f"pip install 'graph_hcl[{extra}]'" in error(capsys)


def test_the_probe_without_the_compiled_solver(place: Path, monkeypatch, capsys) -> None:
    from graph_hcl.probes import svm

    assert main(["evaluate", "run", "--probe", "svm"]) == 0
    expected = capsys.readouterr().out.splitlines()[2].split("|")[4:]
    for name in ("numba", "graph_hcl.probes.smo", "graph_hcl.probes.compiled_svm"):
        monkeypatch.setitem(sys.modules, name, None)
    svm._fastest.cache_clear()
    try:
        assert main(["evaluate", "run", "--probe", "svm"]) == 0
    finally:
        svm._fastest.cache_clear()
    assert capsys.readouterr().out.splitlines()[2].split("|")[4:] == expected


def test_a_damaged_cache_of_the_compiled_solver(tmp_path: Path, monkeypatch) -> None:
    numba = pytest.importorskip("numba")
    from graph_hcl.probes import smo

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    smo._tell_damage.cache_clear()

    def compiled() -> float:
        return smo.compiled(smo._room.py_func)(1.0, 0.5, 1.0)

    expected = compiled()
    files = [*tmp_path.rglob("*.nbi"), *tmp_path.rglob("*.nbc")]
    assert len(files) == 2
    for file in files:
        file.write_bytes(file.read_bytes()[:-9] if file.suffix == ".nbc" else b"")
        with pytest.warns(UserWarning, match="The compiled solver in .* is damaged") as told:
            assert compiled() == expected
        assert len(told) == 1
        assert os.listdir(tmp_path)
        smo._tell_damage.cache_clear()
        compiled()  # writes it anew
