"""Edits of run folders that seal them again, as another version of the library would write them."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from graph_hcl.sealed import SEAL, seal, unseal
from graph_hcl.training.checkpoint import hashed
from graph_hcl.training.folder import RunFolder
from graph_hcl.training.manifest import text_hash


def edit_config(run: str | Path, old: str, new: str) -> None:
    """Replace a part of `config.yaml`."""
    folder = RunFolder(Path(run))
    text = folder.config_path.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new)
    folder.config_path.write_text(text, encoding="utf-8", newline="\n")
    manifest = dataclasses.replace(folder.manifest(), configs=(text_hash(text),))
    manifest.write(folder.path / "manifest.json")


def edit_results(run: str | Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what `results.json` holds in place."""
    file = Path(run) / "results.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    del content[SEAL]
    change(content)
    file.write_text(json.dumps(seal(content)), encoding="utf-8")


def edit_metrics(run: str | Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Replace each record of `metrics.jsonl`."""
    file = Path(run) / "metrics.jsonl"
    lines = [unseal(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    text = "".join(json.dumps(seal(change(line))) + "\n" for line in lines)
    file.write_text(text, encoding="utf-8")


def edit_checkpoint(
    file: Path,
    tensors: Callable[[dict[str, Any]], dict[str, Any]] = lambda given: given,
    **state: Any,
) -> None:
    """Replace the tensors of a checkpoint, and entries of its state."""
    with safe_open(file, "pt") as opened:
        about = unseal(json.loads(opened.metadata()["state"]))
    changed = tensors(load_file(file))
    about |= {"tensors": hashed(changed)} | state
    save_file(changed, file, {"state": json.dumps(seal(about))})
