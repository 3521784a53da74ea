"""Each example runs as its first lines say."""

import importlib.util
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from graph_hcl.__main__ import main

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(file.stem for file in (ROOT / "examples").glob("*.py"))
LIGHTNING = any(importlib.util.find_spec(name) for name in ("lightning", "pytorch_lightning"))
PRINTS = {
    "lightning_module": "loss ",
    "molecules": "trained − untrained: ",
    "networkx_map": " 0 epochs: accuracy ",
    "own_loop": "epoch 3: loss ",
    "own_parts": "; difference ",
}
"""What each prints on its way."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    if name == "lightning_module" and not LIGHTNING:
        pytest.skip("needs lightning")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert PRINTS[name] in done.stdout


def test_the_plugin_has_one_part_of_each_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ROOT / "examples" / "plugin"
    text = (folder / "README.md").read_text(encoding="utf-8").split("```sh")[1].split("```")[0]
    command = shlex.split(text.replace("\\\n", " "))
    named = {word.partition(":")[0].partition(".")[2] for word in command if ":" in word}
    files = {file.stem for file in (folder / "my_parts").glob("*.py")} - {"__init__"}
    assert named == files
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(tmp_path)
    assert command[:3] == ["python", "-m", "graph_hcl.train"]
    assert main(["train", *command[3:], "--out", "run"]) == 0
    table = capsys.readouterr().out
    assert "my_parts.objective:Centred" in table
    assert "my_parts.probe:nearest" in table


def test_the_plugin_can_be_installed() -> None:
    folder = ROOT / "examples" / "plugin"
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (folder / project["name"] / "__init__.py").is_file()
    assert project["dependencies"] == ["graph_hcl"]
