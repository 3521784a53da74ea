"""The folder of a run: config.yaml, metrics.jsonl, checkpoint/, results.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from graph_hcl.errors import UserError
from graph_hcl.files import safe_name, write_text
from graph_hcl.training.checkpoint import Checkpoint


def holds_something(path: Path) -> bool:
    """Tell whether a path is neither free nor an empty folder.

    >>> holds_something(Path("nowhere"))
    False
    """
    return path.exists() and (not path.is_dir() or any(path.iterdir()))


class RunFolder:
    """The files of a run; all commands that read a run take its folder.

    A *part* is one trained model of the run: `seed0`, or `seed0-fold3` under the inductive
    protocol.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = RunFolder.create(f"{place}/run", "unused")
    ...     folder.log({"part": "seed0", "epoch": 1})
    ...     print(folder.metrics())
    [{'part': 'seed0', 'epoch': 1}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, out: str | None, default_name: str) -> RunFolder:
        """Make a new folder at `out`, or at the next free `runs/<default_name>-<number>`.

        Characters that a file system may refuse are replaced in the default name.

        Raises `UserError` when `out` already holds something: a run is never overwritten.
        """
        if out is not None:
            path = Path(out)
            if holds_something(path):
                raise UserError(
                    f"Expected --out to be a new or empty folder, but {path} holds something: "
                    "choose another, or continue that run with --resume."
                )
            path.mkdir(parents=True, exist_ok=True)
            return cls(path)
        number = 0
        while True:
            path = Path("runs") / f"{safe_name(default_name)}-{number}"
            try:
                path.mkdir(parents=True)
                return cls(path)
            except FileExistsError:
                number += 1

    @classmethod
    def open(cls, path: str) -> RunFolder:
        """Return the run at `path`; raise `UserError` when there is none."""
        folder = cls(Path(path))
        if not folder.config_path.is_file():
            raise UserError(
                f"Expected a run folder with a config.yaml at {path}, but found none: give the "
                "folder that graph_hcl.train printed."
            )
        return folder

    @property
    def config_path(self) -> Path:
        """The complete, re-runnable settings."""
        return self.path / "config.yaml"

    def write_config(self, config: dict[str, Any]) -> None:
        """Write `config.yaml`."""
        text = yaml.safe_dump(config, sort_keys=False)
        write_text(self.config_path, text)

    def write_code(self, code: Mapping[str, str]) -> None:
        """Write `code.json`: the hashes of the user's modules that the settings name."""
        write_text(self.path / "code.json", json.dumps(code, indent=1) + "\n")

    def code(self) -> dict[str, str]:
        """Return the hashes in `code.json`, none where the run has no such file.

        Raises `UserError` for a damaged file.
        """
        file = self.path / "code.json"
        try:
            code = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        except ValueError:
            code = None
        if not isinstance(code, dict):
            raise UserError(
                f"Expected {file} to hold hashes of modules, but it is damaged: delete it."
            )
        return code

    def checkpoint(self, part: str, model: str = "") -> Checkpoint:
        """Return the checkpoint of a part, whether or not it exists yet.

        `model` is the description of the model that is saved in it.
        """
        return Checkpoint(self.path / "checkpoint" / f"{part}.safetensors", model)

    def parts(self) -> list[str]:
        """Return the parts that have a checkpoint."""
        return sorted(file.stem for file in (self.path / "checkpoint").glob("[!.]*.safetensors"))

    def log(self, record: dict[str, Any]) -> None:
        """Append one line to `metrics.jsonl`."""
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(record) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """Return the complete lines of `metrics.jsonl`, without one that an interrupt cut short."""
        file = self.path / "metrics.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        records = []
        for line in lines:
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return records

    def forget_metrics_after(self, part: str, epoch: int) -> None:
        """Drop the metrics of a part's epochs after `epoch`, which its checkpoint does not hold."""
        kept = [r for r in self.metrics() if r["part"] != part or r["epoch"] <= epoch]
        text = "".join(json.dumps(record) + "\n" for record in kept)
        write_text(self.path / "metrics.jsonl", text)

    @property
    def results_path(self) -> Path:
        """The file of scores, results.json."""
        return self.path / "results.json"

    def forget_results(self) -> None:
        """Delete `results.json`: the model that it describes is about to change."""
        self.results_path.unlink(missing_ok=True)
