"""Files of a run and of a benchmark, and what reads them."""

import contextlib
import copy
import dataclasses
import functools
import io
import json
import os
import random
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load, save

import graph_hcl.yaml_text
from graph_hcl.__main__ import main
from graph_hcl.benchmarking.comparison import compare_folders
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.tables import all_tables
from graph_hcl.benchmarking.trials import expand
from graph_hcl.errors import UserError
from graph_hcl.initial import read_pretrained
from graph_hcl.lock import lock
from graph_hcl.process import place
from graph_hcl.reporting.read import Contrast
from graph_hcl.results_file import read_results
from graph_hcl.run import Run
from graph_hcl.sealed import seal
from graph_hcl.tensor_files import hashed
from graph_hcl.training.collapse import warn_of_collapse
from graph_hcl.training.diagnosis import describe_temperature
from graph_hcl.training.manifest import Manifest, text_hash
from tests.hostile.damage import damage_tensors, damage_value, damage_yaml
from tests.hostile.forge import damage_sealed, reseal, reseal_tensors
from tests.hostile.reader import Damage, Files, Reader
from tests.tiny_run import train_tiny

PART = "checkpoint/seed0.safetensors"


def read_once() -> Callable[[str], Any]:
    """Return a `parse_yaml` that parses the same text once."""
    parse = functools.lru_cache(maxsize=16)(graph_hcl.yaml_text.parse_yaml)
    return lambda text: copy.deepcopy(parse(text))


def make_run(scratch: Path) -> Files:
    """Return the files of a finished run by name."""
    folder = train_tiny(scratch / "whole", "--epochs", "2")
    return {name: (folder / name).read_bytes() for name in FILES.values()}


def forge_checkpoint(rng: random.Random, content: bytes) -> bytes:
    """Return a checkpoint that is changed and hashed again, as a forger would."""
    if rng.random() < 0.3:
        return damage_tensors(rng, content)
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
        state = damage_value(rng, {k: v for k, v in state.items() if k != "sha256"})
    if isinstance(state, dict):
        if rng.random() < 0.9:
            state["tensors"] = hashed(tensors)
        state.pop("sha256", None)
        state = seal(state)
    return save(tensors, {"state": json.dumps(state)})


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
    records = run.folder.metrics()
    Contrast.of(lambda z, graph, label: z.sum(), records)
    warn_of_collapse(records)
    describe_temperature(records)
    if name == "metrics.jsonl":
        return
    for part in run.parts:
        run.epoch(part)
        run.model(part)
    read_pretrained(str(folder))


DAMAGES: Mapping[str, Damage] = {
    "config.yaml": damage_yaml, "manifest.json": damage_sealed, "metrics.jsonl": damage_sealed,
    "results.json": damage_sealed, PART: forge_checkpoint,
}  # fmt: skip
FILES = {
    "run-config": "config.yaml", "manifest": "manifest.json", "metrics": "metrics.jsonl",
    "results": "results.json", "checkpoint": PART,
}  # fmt: skip
"""Names of readers, and the file that each of them has damaged."""


def run_reader(run: Files, name: str) -> Reader:
    """Return a reader of a run with one damaged file."""

    def read(folder: Path) -> None:
        if name == "config.yaml":
            (folder / "manifest.json").write_bytes(run["manifest.json"])
            bind(folder)
        read_run_folder(folder, name)

    seals = {"config.yaml": None, PART: reseal_tensors}.get(name, reseal)
    return Reader([run], read, DAMAGES, seals, only=name)


def resume_reader(scratch: Path) -> Reader:
    """Return a reader that goes on with a training from a damaged checkpoint."""
    run, place = make_run(scratch), scratch / "resumed"

    def read(folder: Path) -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            status = main(["train", "--resume", str(place), "--epochs", "3"])
        if status:
            raise UserError(said.getvalue().partition("error: ")[2].strip())

    return Reader([run], read, DAMAGES, reseal_tensors, only=PART)


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


def benchmark_files() -> list[Files]:
    drawn = yaml.safe_load(SPEC)
    fixed = drawn | {"methods": {k: v for k, v in drawn["methods"].items() if k != "tuned"}}
    free = {k: v for k, v in fixed.items() if k != "candidates"}
    return [{"b.yaml": yaml.safe_dump(one).encode()} for one in (drawn, fixed, free)]


def record_reader(scratch: Path) -> Reader:
    """Return a reader of the records of a tiny benchmark, which is run."""
    given = yaml.safe_load(SPEC)
    given["methods"] = {name: given["methods"][name] for name in ("UCL", "HUCL", "bag")}
    given["common"]["probe"]["name"] = "logistic"  # which has validation scores
    (scratch / "b.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["benchmark", str(scratch / "b.yaml"), "--out", str(scratch / "out")]) == 0
        trials = expand(read_benchmark(scratch / "b.yaml"))
    files = {
        f"trials/{one.name}.json": TrialFolder(scratch / "out").file(one).read_bytes()
        for one in trials
    }

    def read(folder: Path) -> None:
        found = [(trial, TrialFolder(folder).read(trial)) for trial in trials]
        for table in all_tables(found, [["UCL", "HUCL"]]).values():
            table.markdown(), table.csv(), table.latex()
        compare_folders(trials, TrialFolder(folder), TrialFolder(folder))

    return Reader([files], read, {"json": damage_sealed}, reseal)


def lock_reader(scratch: Path) -> Reader:
    """Return a reader of the locks of a run, of living and of ended processes."""
    here = f"{place()} 4194304 7 0123abcd"
    owners = (here, f"{place()} {os.getpid()} 7 0123abcd", "elsewhere 1 2 0123abcd", "", "me")

    def read(folder: Path) -> None:
        with lock(folder / ".lock") as mine:
            if not mine:
                raise UserError("Another one holds it.")

    return Reader([{".lock": one.encode()} for one in owners], read)


READERS: dict[str, Callable[[Path], Reader]] = {
    **{
        name: lambda scratch, file=file: run_reader(make_run(scratch), file)
        for name, file in FILES.items()
    },
    "benchmark": lambda _: Reader(benchmark_files(), read_spec_file, {"yaml": damage_yaml}),
    "record": record_reader,
    "lock": lock_reader,
    "resume": resume_reader,
}
"""Readers by name, each made with the help of an empty folder."""
