"""Damaged and forged files of runs and benchmarks end in a value or in one sentence."""

import dataclasses
import json
import random
import warnings
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load, save

from graph_hcl.__main__ import main
from graph_hcl.benchmarking.comparison import compare_folders
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.tables import all_tables
from graph_hcl.benchmarking.trials import expand
from graph_hcl.initial import read_pretrained
from graph_hcl.reporting.check import epoch_records
from graph_hcl.reporting.read import Contrast
from graph_hcl.results_file import read_results
from graph_hcl.run import Run
from graph_hcl.sealed import seal
from graph_hcl.training.checkpoint import hashed
from graph_hcl.training.manifest import Manifest, text_hash
from tests.tiny_run import train_tiny

FEW, MANY = 30, 50_000
"""Inputs per reader, in every run of the tests and in the long campaign."""

PART = "checkpoint/seed0.safetensors"
FILES = ("config.yaml", "manifest.json", "metrics.jsonl", "results.json", PART)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = train_tiny(tmp_path_factory.mktemp("whole") / "run", "--epochs", "2")
    return {name: (folder / name).read_bytes() for name in FILES}


def forge_checkpoint(damages):
    """Return a damage that changes a checkpoint and hashes it again, as a forger would."""

    def forge(rng: random.Random, content: bytes) -> bytes:
        if rng.random() < 0.3:
            return damages["tensors"](rng, content)
        size = int.from_bytes(content[:8], "little")
        state = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["state"])
        tensors = load(content)
        kind = rng.randrange(3)
        if kind == 0:
            name = rng.choice(list(tensors))
            value = tensors.pop(name)
            change = rng.randrange(8)
            if change == 0:
                name = rng.choice(
                    ["model.x", "rng.x", "optimizer.x.y", "optimizer.99.exp_avg", "model."]
                )
            elif change == 1:
                value = value.double() * torch.nan
            elif change == 2:
                value = value.reshape(-1)[: rng.choice([0, 1, 3])]
            elif change == 3:
                value = value[None]
            elif change == 4:
                value = value.to(rng.choice([torch.int8, torch.bool, torch.float16, torch.int64]))
            elif change == 5:
                value = torch.full_like(value, rng.choice([0, 1, 127]))
            if change:
                tensors[name] = value.contiguous()
        else:
            state = damages["value"](rng, {k: v for k, v in state.items() if k != "sha256"})
        if isinstance(state, dict):
            if rng.random() < 0.9:
                state["tensors"] = hashed(tensors)
            state.pop("sha256", None)
            state = seal(state)
        return save(tensors, {"state": json.dumps(state)})

    return forge


def bind(folder: Path) -> None:
    """Make the manifest fit the config, as a forger would."""
    config, file = folder / "config.yaml", folder / "manifest.json"
    try:
        manifest = Manifest.read(file)
        text = config.read_bytes().decode()
    except (ValueError, AttributeError):
        return
    if text_hash(text) not in manifest.configs:
        dataclasses.replace(manifest, configs=(text_hash(text),), code={}).write(file)


def read_run_folder(folder: Path, name: str) -> None:
    """Read all of a run that depends on one of its files."""
    run = Run.open(folder)
    if name == "results.json":
        for comparison in read_results(run.folder.results_path).comparisons().values():
            str(comparison)
        return
    records = epoch_records(run.folder.metrics())
    Contrast.of(torch.nn.Identity(), records)
    if name == "metrics.jsonl":
        return
    for part in run.parts:
        run.epoch(part)
        run.model(part)
    read_pretrained(str(folder))


@pytest.mark.parametrize("name", FILES)
def test_a_forged_file_of_a_run_ends_in_a_value_or_a_sentence(
    run, yaml_read_once, survey, damages, tmp_path: Path, name: str
) -> None:
    forged(run, survey, damages, tmp_path, name, FEW)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_no_forged_file_of_a_run_is_a_traceback(
    run, yaml_read_once, survey, damages, tmp_path: Path, name: str
) -> None:
    forged(run, survey, damages, tmp_path, name, MANY, seed=1)


def forged(run, survey, damages, tmp_path: Path, name: str, count: int, seed: int = 0) -> None:
    keep = {"keep": lambda _, content: content}
    kinds = {
        "config.yaml": damages["yaml"],
        "manifest.json": damages["sealed"],
        "metrics.jsonl": damages["sealed"],
        "results.json": damages["sealed"],
        PART: forge_checkpoint(damages),
    }
    chosen = {one: kinds[one] if one == name else keep["keep"] for one in FILES}

    def read(folder: Path) -> None:
        if name == "config.yaml":
            (folder / "manifest.json").write_bytes(run["manifest.json"])
            bind(folder)
        read_run_folder(folder, name)

    survey(tmp_path / "run", [run], read, count, chosen, seed, only=name)


SPEC = """
name: tiny
datasets: [MUTAG]
protocols: [transductive]
repeats: 1
seed: 0
candidates: 2
common: {hidden: 4, layers: 1, batch_size: 64, probe: {name: class-mean, folds: 2}}
compare: [[UCL, HUCL]]
development: false
methods:
  UCL: {settings: {objective: ucl, lr: 0.01}, epochs: [1, 2], selected_on: [NCI1]}
  HUCL: {settings: {objective: h-ucl}, grid: {beta: [0.1, 0.5]}, epochs: [1]}
  tuned:
    settings: {objective: h-ucl}
    tune: {trials: 2, space: {beta: {low: 0.1, high: 1}, lr: [0.1, 1]}}
  bag: {baseline: bag}
"""


def read_spec_file(folder: Path) -> None:
    for trial in expand(read_benchmark(folder / "b.yaml")):
        assert trial.name


def benchmark(survey, damages, tmp_path: Path, count: int, seed: int = 0) -> None:
    drawn = yaml.safe_load(SPEC)
    fixed = drawn | {"methods": {k: v for k, v in drawn["methods"].items() if k != "tuned"}}
    free = {k: v for k, v in fixed.items() if k != "candidates"}
    files = [{"b.yaml": yaml.safe_dump(one).encode()} for one in (drawn, fixed, free)]
    survey(tmp_path / "files", files, read_spec_file, count, {"yaml": damages["yaml"]}, seed)


def test_a_damaged_benchmark_file_ends_in_trials_or_a_sentence(survey, damages, tmp_path) -> None:
    benchmark(survey, damages, tmp_path, FEW)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_damaged_benchmark_file_is_a_traceback(survey, damages, tmp_path) -> None:
    benchmark(survey, damages, tmp_path, MANY, seed=1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory):
    """Return the trials of a tiny benchmark and the files of its folder."""
    pytest.importorskip("graph_hcl.benchmarking.record")  # which checks records
    folder = tmp_path_factory.mktemp("benchmark")
    given = yaml.safe_load(SPEC)
    given["methods"] = {name: given["methods"][name] for name in ("UCL", "HUCL", "bag")}
    given["common"]["probe"]["name"] = "logistic"  # which has validation scores
    (folder / "b.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["benchmark", str(folder / "b.yaml"), "--out", str(folder / "out")]) == 0
        trials = expand(read_benchmark(folder / "b.yaml"))
    return trials, {
        f"trials/{one.name}.json": TrialFolder(folder / "out").file(one).read_bytes()
        for one in trials
    }


def records(finished, survey, damages, tmp_path: Path, count: int, seed: int = 0) -> None:
    trials, files = finished

    def read(folder: Path) -> None:
        found = [(trial, TrialFolder(folder).read(trial)) for trial in trials]
        for table in all_tables(found, [["UCL", "HUCL"]]).values():
            table.markdown(), table.csv(), table.latex()
        compare_folders(trials, TrialFolder(folder), TrialFolder(folder))

    survey(tmp_path / "out", [files], read, count, {"json": damages["sealed"]}, seed)


def test_a_damaged_record_ends_in_tables_or_a_sentence(finished, survey, damages, tmp_path) -> None:
    records(finished, survey, damages, tmp_path, FEW)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_damaged_record_is_a_traceback(finished, survey, damages, tmp_path) -> None:
    records(finished, survey, damages, tmp_path, MANY, seed=1)
