"""The folder of a run: config.yaml, manifest.json, metrics.jsonl, checkpoint/, results.json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graph_hcl.calling import called
from graph_hcl.errors import UserError
from graph_hcl.files import as_path, check_writable, naming, place_folder, safe_name, write_text
from graph_hcl.sealed import parse_sealed, seal
from graph_hcl.training.checkpoint import Checkpoint
from graph_hcl.training.epoch_record import is_epoch_record
from graph_hcl.training.manifest import Manifest, file_hash, run_hash, text_hash
from graph_hcl.warn import warn_user
from graph_hcl.yaml_text import write_yaml

CONFIG, MANIFEST = "config.yaml", "manifest.json"


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
    ...     folder = RunFolder.create(f"{place}/run", "unused", {"lr": 0.1})
    ...     folder.log({"part": "seed0", "epoch": 1})
    ...     print(folder.metrics())
    [{'part': 'seed0', 'epoch': 1}]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = as_path(path, "path")

    @classmethod
    def create(
        cls,
        out: str | Path | None,
        default_name: str,
        settings: dict[str, Any],
        *,
        code: Mapping[str, str] | None = None,
        data: str = "",
        environment: Mapping[str, Any] | None = None,
    ) -> RunFolder:
        """Make a new folder at `out`, or at the next free `runs/<default_name>-<number>`.

        It appears with `config.yaml`, the settings, and the manifest in it. Characters that a file
        system may refuse are replaced in the default name.

        Args:
            out: path of the folder; None takes the next free one.
            default_name: what the folder is called without `out`.
            settings: what `config.yaml` holds.
            code: hashes of the user's own modules.
            data: sha256 of the graphs.
            environment: commit, processor, threads and versions.

        Raises `UserError` when `out` already holds something: a run is never overwritten.
        """
        text = write_yaml(settings)
        manifest = Manifest(
            run_hash(settings), (text_hash(text),), code or {}, data, environment or {}
        )

        def fill(folder: Path) -> None:
            manifest.write(folder / MANIFEST)
            write_text(folder / CONFIG, text)

        if out is not None:
            path = as_path(out, "out")
            if holds_something(path) or not place_folder(path, fill):
                raise _taken(path)
            return cls(path)
        number = 0
        while True:
            path = Path("runs") / f"{safe_name(default_name)}-{number}"
            if not path.exists() and place_folder(path, fill):
                return cls(path)
            number += 1

    @staticmethod
    def check_place(out: str | Path | None) -> None:
        """Raise the error that `create` will end in at `out`, before any work."""
        path = Path("runs", "new") if out is None else as_path(out, "out")
        if holds_something(path) and out is not None:
            raise _taken(path)
        check_writable(path / CONFIG)

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Return the run at `path`.

        Raises `UserError` where there is none, and where its config or manifest has changed.
        """
        folder = cls(path)
        if not folder.config_path.is_file():
            raise UserError(
                f"Expected a run folder with a config.yaml at {path}, but found none: give the "
                f"folder that {called('train')} printed."
            )
        if file_hash(folder.config_path) not in folder.manifest().configs:
            raise UserError(
                f"Expected {folder.config_path} as graph_hcl.train wrote it, but it has changed "
                "since: restore it, or give it to graph_hcl.train --config as a new run."
            )
        return folder

    @property
    def config_path(self) -> Path:
        """The complete, re-runnable settings."""
        return self.path / CONFIG

    def manifest(self) -> Manifest:
        """Return what the run was begun with; raise `UserError` for a damaged file."""
        return Manifest.read(self.path / MANIFEST)

    def write_config(self, settings: dict[str, Any]) -> None:
        """Write other settings, of which those that decide the training are as before."""
        text, manifest = write_yaml(settings), self.manifest()
        both = (*manifest.configs, text_hash(text))
        dataclasses.replace(manifest, configs=both).write(self.path / MANIFEST)
        write_text(self.config_path, text)
        dataclasses.replace(manifest, configs=both[-1:]).write(self.path / MANIFEST)

    def checkpoint(self, part: str, model: str = "") -> Checkpoint:
        """Return the checkpoint of a part, whether or not it exists yet.

        `model` is the description of the model that is saved in it.
        """
        run = self.manifest().run
        return Checkpoint(self.path / "checkpoint" / f"{part}.safetensors", model, run)

    def parts(self) -> list[str]:
        """Return the parts that have a checkpoint."""
        folder = self.path / "checkpoint"
        # `glob` would find nothing in a folder that cannot be read.
        files = folder.iterdir() if folder.exists() else ()
        return sorted(f.stem for f in files if f.suffix == ".safetensors" and f.name[0] != ".")

    @property
    def metrics_path(self) -> Path:
        """The file of one line for each epoch of a part."""
        return self.path / "metrics.jsonl"

    def log(self, record: dict[str, Any]) -> None:
        """Append one line to `metrics.jsonl`; raise `UserError` for what JSON cannot hold."""
        path = self.metrics_path
        try:
            line = json.dumps(seal(record)) + "\n"
        except TypeError as error:
            raise UserError(
                f"Expected the record of an epoch to hold numbers, texts and lists of them, but "
                f"{error}: correct the callback that adds it."
            ) from error
        with naming(path), path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line)

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`, without one that an interrupt cut short.

        Warns of damaged lines, which are left out.
        """
        file = self.metrics_path
        lines = file.read_bytes().split(b"\n") if file.exists() else []
        records: list[dict[str, Any]] = []
        damaged = []
        for number, line in enumerate(lines, start=1):
            try:
                record = parse_sealed(line)
            except ValueError:
                if number == len(lines):  # it is empty, or was cut short
                    continue
                record = {}
            if is_epoch_record(record):
                records.append(record)
            else:
                damaged.append(str(number))
        if damaged:
            warn_user(f"{file} is damaged in line {', '.join(damaged)}, which is left out.")
        elif lacking := [part for part in self.parts() if self._lacks(part, records)]:
            warn_user(f"{file} lacks epochs of {', '.join(lacking)}.")
        return records

    def _lacks(self, part: str, records: list[dict[str, Any]]) -> bool:
        """Tell whether an epoch that is in a part's checkpoint has no record."""
        try:
            done = self.checkpoint(part).epoch()
        except UserError:  # which is told where it is used
            return False
        found = {r["epoch"] for r in records if r["part"] == part and 1 <= r["epoch"] <= done}
        return len(found) < done

    def forget_metrics_after(self, part: str, epoch: int) -> None:
        """Drop the metrics of a part's epochs after `epoch`, which its checkpoint does not hold."""
        kept = [r for r in self.metrics() if r["part"] != part or r["epoch"] <= epoch]
        text = "".join(json.dumps(seal(record)) + "\n" for record in kept)
        write_text(self.metrics_path, text)

    @property
    def results_path(self) -> Path:
        """The file of scores, results.json."""
        return self.path / "results.json"

    def forget_results(self) -> None:
        """Delete `results.json`: the model that it describes is about to change."""
        self.results_path.unlink(missing_ok=True)


def _taken(path: Path) -> UserError:
    return UserError(
        f"Expected --out to be a new or empty folder, but {path} holds something: choose another, "
        "or continue that run with --resume."
    )
