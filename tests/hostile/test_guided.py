"""No input that coverage leads libFuzzer to is a traceback."""

import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import guided
from tests.hostile.reader import Reader
from tests.hostile.readers import data, stores
from tests.hostile.watch import attempt

MANY = 50_000
"""Inputs per reader."""


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="needs atheris")
@pytest.mark.parametrize("name", guided.READERS)
def test_no_guided_input_is_a_traceback(name: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    path = os.pathsep.join(filter(None, [str(root), os.getenv("PYTHONPATH")]))
    command = [sys.executable, "-W", "ignore", "-m", "tests.hostile.guided", name, str(tmp_path)]
    done = subprocess.run(
        [*command, f"-runs={MANY}"],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.stdout.startswith("{"), done.stderr[-3000:]
    counts = json.loads(done.stdout)
    print(counts)
    assert counts["faults"] == {}
    assert done.returncode == 0
    assert counts["inputs"] == MANY


def test_any_bytes_are_files(tmp_path: Path) -> None:
    reader = data.READERS["tu"](tmp_path)
    rng = random.Random(0)
    for number, files in enumerate(reader.variants):
        packed = guided.pack(number, list(files.values()))
        assert guided.unpack(reader, packed) == (number, files)
    for size in range(12):
        variant, files = guided.unpack(reader, rng.randbytes(size))
        assert files.keys() == reader.variants[variant].keys()


def test_what_is_damaged_inside_a_seal_is_sealed_again(tmp_path: Path) -> None:
    reader = stores.READERS["store"](tmp_path)
    packed = guided.pack(0, list(reader.variants[0].values()))
    said = []
    for seed in range(60):
        damaged = guided.mutate(
            reader, packed, seed, lambda content, _: content.replace(b"ring", b"rung")
        )
        (tmp_path / "s.safetensors").write_bytes(guided.unpack(reader, damaged)[1]["s.safetensors"])
        said.append(attempt(lambda: reader.read(tmp_path)))
    assert {outcome for outcome, _ in said} == {"value", "refused"}
    assert sum("sha256" in words for _, words in said) < 30


def test_a_fault_is_counted_and_its_first_input_kept(tmp_path: Path) -> None:
    def read(folder: Path) -> None:
        if b"!" in (folder / "a").read_bytes():
            raise ZeroDivisionError("of the reader")

    fuzz = guided.Fuzz(Reader([{"a": b"."}], read), tmp_path)
    for packed in (b"", b"\0\1\0\0\0!", b"\0\2\0\0\0!!", b"\0\1\0\0\0."):
        fuzz(packed)
    assert sorted(fuzz.outcomes.values()) == [2, 2]
    (fault,) = fuzz.faults.values()
    assert "of the reader" in fault["said"]
    assert Path(fault["input"]).read_bytes() == b"\0\1\0\0\0!"
    assert (tmp_path / "current").read_bytes() == b"\0\1\0\0\0."
