"""Damage to any file that the library writes and reads again is a sentence, or changes nothing."""

import dataclasses
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from graph_hcl import GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.trials import expand
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.initial import read_pretrained
from graph_hcl.results_file import read_results
from graph_hcl.run import Run

TINY = ["--dataset", "MUTAG", "--epochs", "2", "--hidden", "4", "--layers", "1", "--beta", "0.5"]
QUICK = [*TINY, "--probe", "class-mean", "--probe.folds", "2"]
SPEC = {
    "datasets": ["MUTAG"],
    "common": {"epochs": 1, "hidden": 4, "layers": 1, "probe": {"name": "class-mean", "folds": 2}},
    "methods": {
        "bag": {"baseline": "bag"},
        "majority": {"baseline": "majority"},
        "h-ucl": {"settings": {"objective": "h-ucl", "beta": 0.5}},
    },
}
CODE = """
from torch_geometric.nn import GIN

class Net(GIN):
    pass
"""
FLIPS = 12
"""Damaged bytes of each file in the quick test."""
MOST = 2000
"""Damaged bytes of each file in the slow test: all of them in smaller files."""


def run_content(folder: Path) -> object:
    """Return all that commands read of a run."""
    opened = Run.open(folder, trust_code=True)
    parts = opened.folder.parts()
    weights = {part: opened.checkpoint(part).tensors() for part in parts}
    return (
        opened.config,
        {part: opened.spec(part) for part in parts},
        {k: {n: v.numpy().tobytes() for n, v in each.items()} for k, each in weights.items()},
        opened.folder.metrics(),
        read_results(opened.folder.results_path),
    )


def pretrained(folder: Path) -> object:
    """Return what --init-from reads."""
    found = read_pretrained(str(folder))
    return [
        repr(value) if not hasattr(value, "items") else
        {n: getattr(v, "tolist", lambda v=v: repr(v))() for n, v in value.items()}
        for value in (getattr(found, one.name) for one in dataclasses.fields(found))
    ]  # fmt: skip


def benchmark(folder: Path) -> object:
    trials = expand(read_benchmark(folder.parent / "tiny.yaml"))
    opened = TrialFolder(folder)
    return [opened.read(trial) for trial in trials]


def transformed(folder: Path) -> object:
    return GraphContrast.load(folder).transform(load("MUTAG")[:5]).tolist()


def stored(folder: Path) -> object:
    store, metadata = GraphStore.open(folder / "a.safetensors")
    return store.digest(), store.sha256, store.is_sorted_undirected, store.unused, metadata


def cache(folder: Path) -> object:
    store = load("MUTAG", data_dir=str(folder))
    return store.digest(), store.sha256, store.is_sorted_undirected, store.unused


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Yield one folder of each kind."""
    place, before = tmp_path_factory.mktemp("made"), Path.cwd()
    os.chdir(place)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.syspath_prepend(str(place))
        Path("damage_net.py").write_text(CODE, encoding="utf-8")
        Path("tiny.yaml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
        for argv in (
            ["train", *QUICK, "--protocol", "inductive", "--out", "inductive"],
            ["train", *QUICK, "--backbone", "damage_net:Net", "--out", "own"],
            ["benchmark", "tiny.yaml", "--out", "bench"],
            ["benchmark", "tiny.yaml", "--out", "gathered"],
            ["benchmark", "tiny.yaml", "--out", "gathered", "--gather"],
        ):
            assert main(argv) == 0
        shutil.copytree("own", "start")
        estimator = GraphContrast("h-ucl", beta=0.5, epochs=1, hidden=4, layers=1)
        estimator.fit(load("MUTAG")[:60]).save("estimator")
        Path("store").mkdir()
        load("MUTAG")[:20].save(Path("store/a.safetensors"), {"made": "here"})
        load("MUTAG", data_dir="cache")
        names = ("inductive", "own", "start", "bench", "gathered", "estimator", "store", "cache")
        yield {name: place / name for name in names}
    os.chdir(before)


READ: dict[str, Callable[[Path], object]] = {
    "inductive": run_content,
    "own": run_content,
    "start": pretrained,
    "bench": benchmark,
    "gathered": benchmark,
    "estimator": transformed,
    "store": stored,
    "cache": cache,
}


def outcome(read: Callable[[Path], object], folder: Path, before: object, what: str) -> bool:
    """Tell whether damage was told; fail where something else is read, or nothing is told."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            after = read(folder)
        except UserError as error:
            assert "\n" not in str(error), what  # noqa: PT017
            return True
    if isinstance(after, list) and None in after:
        return True  # a trial without a record is to run, as the tables say
    told = [one for one in said if one.category is UserWarning and "damaged" in str(one.message)]
    lacking = [one for one in said if "lacks" in str(one.message)]
    assert told or lacking or after == before, what
    return bool(told or lacking)


def damage(content: bytes, generator: np.random.Generator, most: int) -> Iterator[bytes]:
    """Yield a content with a flipped bit at some or all places, and cut at some or all lengths."""
    size = len(content)
    places = range(size) if size <= most else sorted(generator.integers(size, size=most))
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(generator.integers(8))
        yield bytes(damaged)
    lengths = range(size) if size <= most // 4 else generator.integers(size, size=most // 4)
    yield from (content[: int(length)] for length in lengths)
    yield b""
    yield b"null"


def sweep(kind: str, made: dict[str, Path], most: int) -> tuple[int, int]:
    folder, read = made[kind], READ[kind]
    files = [file for file in folder.rglob("*") if file.is_file() and "tables" not in file.parts]
    if kind == "gathered":
        files = [folder.with_suffix(".jsonl")]
    if kind == "cache":
        files = [file for file in files if "raw" not in file.parts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = read(folder)
    generator = np.random.default_rng(0)
    damaged = told = 0
    for file in files:
        if file.suffix in (".md", ".error") or file.name.startswith("."):
            continue
        content = file.read_bytes()
        try:
            for changed in damage(content, generator, most):
                if changed == content:
                    continue
                file.write_bytes(changed)
                told += outcome(read, folder, before, f"{file.name}: {changed[:60]!r}")
                damaged += 1
        finally:
            file.write_bytes(content)
    return damaged, told


@pytest.mark.parametrize("kind", READ)
def test_damage_is_told(kind: str, made: dict[str, Path]) -> None:
    damaged, told = sweep(kind, made, FLIPS)
    assert damaged
    assert told > damaged / 3  # the others changed the layout of JSON, or what is not read


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("kind", READ)
def test_no_damage_is_silent(kind: str, made: dict[str, Path]) -> None:
    damaged, told = sweep(kind, made, MOST)
    print(f"{kind}: {damaged} damaged, {told} told")
