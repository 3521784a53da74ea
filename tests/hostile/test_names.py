"""Names from outside that become paths stay inside their folders."""

import warnings
from pathlib import Path

import pytest
import yaml

from graph_hcl import plot
from graph_hcl.__main__ import main
from graph_hcl.data.archive import set_files
from graph_hcl.data.fetch import raw_files
from graph_hcl.errors import UserError
from graph_hcl.files import safe_name
from graph_hcl.reporting.figures import Drawing
from graph_hcl.reporting.write import _drawn
from graph_hcl.run import Run

NAMES = ("../../x", "/tmp/x", "..", ".", "a/../../x", "..\\..\\x", "C:\\x", "C:x", "~/x", "x/",
         "a\x00b", "con", "x.", "-rf", "$HOME", "\n", "", "x" * 300)  # fmt: skip
TINY = [
    "--epochs",
    "1",
    "--hidden",
    "4",
    "--layers",
    "1",
    "--probe",
    "class-mean",
    "--probe.folds",
    "2",
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "a" / "b" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def outside(here: Path) -> list[Path]:
    """Return the files that are beside the current folder, or above it."""
    root = here.parents[2]
    return [one for one in root.rglob("*") if one.is_file() and here not in one.parents]


@pytest.mark.parametrize("name", NAMES)
def test_a_safe_name_is_one_name(name: str) -> None:
    safe = safe_name(name)
    assert safe not in ("", ".", "..")
    assert not set(safe) & set('/\\:*?"<>|\x00\n')
    assert (Path("folder") / safe).parent == Path("folder")


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "..", "C:\\x", "a\n", "x" * 300])
def test_the_name_of_a_benchmark_stays_inside_runs(here: Path, name: str, capsys) -> None:
    given = {"name": name, "datasets": ["MUTAG"], "methods": {"bag": {"baseline": "bag"}}}
    given["common"] = {"probe": {"name": "class-mean", "folds": 2}}
    (here / "b.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    assert main(["benchmark", "b.yaml"]) == 0
    assert [one.parent for one in (here / "runs").iterdir()] == [here / "runs"]
    assert list((here / "runs").rglob("*.json"))
    assert outside(here) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_data_set_is_no_path_in_the_cache(here: Path, name: str) -> None:
    with pytest.raises(UserError):
        raw_files(name, str(here / "data"), str(here))
    assert outside(here) == []
    assert not (here / "data").exists()


@pytest.mark.parametrize("name", ["..", "-", "a b.c", "<x>", "CON"])
def test_a_run_without_a_place_stays_inside_runs(here: Path, name: str) -> None:
    file = here / f"{name}.jsonl"
    lines = [
        f'{{"edges": [[0, 1], [1, 0]], "num_nodes": {2 + k % 3}, "y": {k % 2}}}' for k in range(12)
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["train", "--dataset", f"./{file.name}", *TINY]) == 0
    (made,) = (here / "runs").iterdir()
    assert (made / "config.yaml").is_file()
    assert outside(here) == []


def test_a_part_is_one_of_the_run(here: Path, capsys) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["train", "--dataset", "MUTAG", *TINY, "--out", "run"]) == 0
    (here / "seed0.safetensors").write_bytes(b"")
    for name in (*NAMES, "seed0/../../seed0", "../checkpoint/seed0"):
        if name:
            with pytest.raises(UserError, match="trained part"):
                Run.open("run").find_part(name)
    assert main(["embed", "run", "--part", "../../seed0", "--out", "z.npz"]) == 2
    assert not (here / "z.npz").exists()


@pytest.mark.parametrize("name", NAMES)
def test_figures_stay_inside_their_folder(here: Path, name: str) -> None:
    ax = plot.embedding_map([[0, 0], [1, 1]], [0, 1])
    written: set[str] = set()
    _drawn([Drawing(name, ax, "caption", False)], here, "run0", written)
    assert {file.name for file in here.iterdir()} == written
    assert len(written) == 2
    assert outside(here) == []


def test_the_suffix_of_a_raw_file_is_no_path() -> None:
    paths = ["T/T_../../x.txt", "T_a/../x.txt", "T_\\..\\x.txt", "T_A.txt", "T_...txt"]
    for suffix in set_files("T", paths, ["A"], "there"):
        assert not set(suffix) & set("/\\")
