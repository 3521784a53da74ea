"""The archives that are published: what they hold, and that an installed one works."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import graph_hcl

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(*command: object, **options) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, encoding="utf-8", **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the source archive, and the wheel from it, without the network."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


def test_the_index_would_take_them(archives) -> None:
    pytest.importorskip("twine")
    run(sys.executable, "-m", "twine", "check", "--strict", *archives)
    assert [file.name.split("-")[1].removesuffix(".tar.gz") for file in archives] == [
        graph_hcl.__version__
    ] * 2


def test_the_source_archive_holds_the_project(archives) -> None:
    with tarfile.open(archives[0], encoding="utf-8") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = ["CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md"]
    expected += ["constraints.txt", "constraints-lowest.txt", ".ci/run", "docs/conf.py"]
    expected += ["docs/index.md", "examples/own_loop.py", "examples/plugin/README.md"]
    expected += ["tests/test_distributions.py", "benchmarks/speed/losses.py", "datasets/MUTAG.yaml"]
    assert {*expected} <= names
    assert not {name for name in names if "__pycache__" in name or name.startswith("runs/")}


def test_the_wheel_holds_the_package_and_what_it_reads(archives) -> None:
    with zipfile.ZipFile(archives[1]) as archive:
        names = {*archive.namelist()}
    inside = {Path(name).parts[0].removesuffix(".dist-info") for name in names}
    assert inside == {"graph_hcl", f"graph_hcl-{graph_hcl.__version__}"}
    assert "graph_hcl/py.typed" in names
    for part in ("datasets", "configs", "graph_hcl"):
        kinds = {"graph_hcl": ("**/*.py",)}.get(part, ("**/*.yaml",))
        files = [file for kind in kinds for file in (ROOT / part).glob(kind)]
        start = "" if part == "graph_hcl" else "graph_hcl/"
        assert files
        assert {f"{start}{file.relative_to(ROOT).as_posix()}" for file in files} <= names


def test_an_installed_wheel_works_away_from_the_checkout(archives, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps")
    run(*pip, "--no-index", archives[1])
    # The other packages are those of this environment; a plain path brings no editable install.
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    others = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "others.pth").write_text("\n".join(sorted(others)), encoding="utf-8")
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    empty = tmp_path / "empty"
    empty.mkdir()

    def call(*command: object) -> str:
        return run(*command, cwd=empty, env=outside | {"PYTHONIOENCODING": "utf-8"})

    command = python.with_name("graph-hcl.exe" if os.name == "nt" else "graph-hcl")
    assert call(command, "--version").strip() == f"graph_hcl {graph_hcl.__version__}"
    assert "--temperature" in call(command, "train", "--help")
    code = "import graph_hcl as g, graph_hcl.data as d; print(g.__file__, *d.list_datasets())"
    place, *cards = call(python, "-c", code).split()
    assert Path(place).is_relative_to(home)
    assert {file.stem for file in (ROOT / "datasets").glob("*.yaml")} <= {*cards}
