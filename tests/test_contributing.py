"""The recipes of CONTRIBUTING.md, followed to the letter in a copy of the package."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "plugin" / "my_parts"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PARTS = re.findall(
    r"^\| ([\w-]+) \| `([^`]+)` \| `([A-Z]+)`: `([^`]+)` \| `([^`]+)` \|$",
    TEXT,
    re.M,
)
FILES = re.findall(r'^```python\n("""(graph_hcl/[\w/]+\.py): .*?)^```$', TEXT, re.M | re.S)
LINES = re.findall(r'Its line(?:, under `([A-Z]+)`)?: `("[^`]+)`', TEXT)
(METRIC,) = re.findall(r"^```python\n(Metric\(.*?)^```$", TEXT, re.M | re.S)


def insert(file: Path, before: str, line: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1, before
    file.write_text(text.replace(before, before + line), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the package to which every recipe was applied."""
    folder = tmp_path_factory.mktemp("copy")
    for part in ("graph_hcl", "datasets", "configs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    registries = folder / "graph_hcl" / "registries.py"
    text = registries.read_text(encoding="utf-8")
    lines = [(registry, line) for _, _, registry, line, _ in PARTS]
    lines += [(registry or "SOURCES", line) for registry, line in LINES]
    for registry, line in lines:
        text, count = re.subn(
            rf"(^{registry}: .*?\{{\n)", rf"\1        {line},\n", text, count=1, flags=re.M | re.S
        )
        assert count == 1, registry
    registries.write_text(text, encoding="utf-8")
    for kind, place, *_ in PARTS:
        shutil.copy(EXAMPLES / f"{kind.replace('-', '')}.py", folder / place)
    for code, place in FILES:
        assert not (folder / place).exists()
        (folder / place).write_text(code, encoding="utf-8")
    metrics = folder / "graph_hcl" / "probes" / "metrics.py"
    insert(metrics, "from sklearn.metrics import (\n", "    cohen_kappa_score,\n")
    insert(metrics, "    for metric in (\n", f"        {METRIC.strip()},\n")
    return folder


def run(copy: Path, *words: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "graph_hcl.train", "--dataset", "wheels", "--hidden", "8"]
    command += ["--epochs", "2", "--probe.folds", "3", "--device", "cpu", *words]
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr


def test_all_kinds_of_parts_have_a_recipe() -> None:
    assert [kind for kind, *_ in PARTS] == [
        "backbone", "objective", "augmentation", "read-out", "probe",
    ]  # fmt: skip
    assert len(FILES) == len(LINES) == 2
    ours = {file.stem for file in EXAMPLES.glob("*.py")} - {"__init__", "source"}
    assert {kind.replace("-", "") for kind, *_ in PARTS} == ours
    for path in re.findall(r"`((?:graph_hcl|tests|examples|docs|benchmarks)/[\w./-]*)`", TEXT):
        new = {place for _, place, *_ in PARTS} | {place for _, place in FILES}
        assert path in new or (ROOT / path).exists(), path


@pytest.mark.slow
def test_a_part_of_each_kind_by_its_name(copy: Path) -> None:
    flags = [word for *_, flag in PARTS for word in flag.split()]
    run(copy, *flags, "--out", "run")
    config = (copy / "run" / "config.yaml").read_text(encoding="utf-8")
    for value in ("residual", "centred", "hub_drop(2)", "rms"):
        assert value in config
    records = json.loads((copy / "run" / "results.json").read_text(encoding="utf-8"))["records"]
    assert "nearest" in {record["probe"] for record in records}


@pytest.mark.slow
def test_a_hardening_and_a_metric(copy: Path) -> None:
    hardening = ("--loss.hardening", "soft-threshold", "--loss.hardening-options.width", "0.4")
    run(copy, *hardening, "--metric", "kappa", "--probe", "class-mean", "--out", "other")
    assert "soft-threshold" in (copy / "other" / "config.yaml").read_text(encoding="utf-8")
    records = json.loads((copy / "other" / "results.json").read_text(encoding="utf-8"))["records"]
    assert any("kappa" in record["scores"] for record in records)
