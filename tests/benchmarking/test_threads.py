"""A trial computes on threads of its own, however many processes run at once."""

import dataclasses
import json
import os
import subprocess
import sys

import pytest
import yaml

from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.trials import expand
from graph_hcl.errors import UserError

SPEC = {
    "datasets": ["digits"],
    "repeats": 2,
    "common": {"epochs": 1, "hidden": 64, "probe": {"name": "class-mean", "folds": 2}},
    "methods": {"ucl": {"settings": {"objective": "ucl"}}},
}


def write(folder, **fields):
    file = folder / "few.yaml"
    file.write_text(yaml.safe_dump(SPEC | fields), encoding="utf-8")
    return file


@pytest.mark.slow
def test_the_number_of_processes_changes_no_record(tmp_path) -> None:
    file, found = write(tmp_path), {}
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environ = {name: value for name, value in os.environ.items() if name not in names}
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        command = [sys.executable, "-m", "graph_hcl.benchmark", str(file), "--jobs", jobs]
        subprocess.run([*command, "--out", str(out)], env=environ, check=True, capture_output=True)
        texts = [one.read_text(encoding="utf-8") for one in (out / "trials").glob("*.json")]
        records = {record["trial"]: record for record in map(json.loads, texts)}
        for record in records.values():
            assert record["threads"] == 1
            del record["seconds"], record["sha256"]
        found[jobs] = records
    assert len(found["1"]) == 2
    assert found["1"] == found["2"]


def test_threads_are_part_of_the_identity_unless_they_are_one(tmp_path) -> None:
    plain, one, two = (
        expand(read_benchmark(write(tmp_path, **fields)))[0]
        for fields in ({}, {"threads": 1}, {"threads": 2})
    )
    assert plain.name == one.name != two.name
    assert "threads" not in one.key()
    assert two.key()["threads"] == 2
    assert dataclasses.replace(two, threads=1).name == one.name


@pytest.mark.parametrize("threads", [0, -1, 1.5, "two", True])
def test_threads_that_are_no_number_of_threads(threads, tmp_path) -> None:
    with pytest.raises(UserError, match="threads"):
        read_benchmark(write(tmp_path, threads=threads))


def test_the_record_says_on_how_many_threads_it_was_computed(tmp_path) -> None:
    from graph_hcl.benchmarking.running import run_trial

    fields = {"threads": 2, "datasets": ["MUTAG"], "repeats": 1}
    record = run_trial(expand(read_benchmark(write(tmp_path, **fields)))[0])
    assert record["threads"] == record["key"]["threads"] == 2
