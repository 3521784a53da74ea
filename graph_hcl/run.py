"""A run: its folder, its config, and the trained models in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.factory import make_model
from graph_hcl.nn import ContrastiveModel
from graph_hcl.settings import make_config
from graph_hcl.spec import ModelSpec, check_same_data, read_spec
from graph_hcl.training import Checkpoint, RunFolder


class Run:
    """A run folder and its config; every command opens one here.

    A *part* is one trained model of the run: `seed0`, or `seed0-fold3` under the inductive
    protocol.
    """

    def __init__(self, folder: RunFolder, config: Config) -> None:
        self.folder = folder
        self.config = config

    @classmethod
    def create(cls, config: Config) -> Run:
        """Make the folder of a new run, at `config.out` or the next free name, with its config.

        Raises `UserError` where there is something already.
        """
        folder = RunFolder.create(config.out, f"{config.dataset}-{config.objective}")
        folder.write_config(config.to_dict())
        return cls(folder, config)

    @classmethod
    def open(cls, path: str | Path, **overrides: Any) -> Run:
        """Return the run in a folder; `overrides` are settings that replace its own, by name.

        Raises `UserError` for a folder that is no run, and for a config that does not fit the
        schema.

        >>> Run.open("nowhere", device="cpu")
        Traceback (most recent call last):
        graph_hcl.errors.UserError: Expected a run folder with a config.yaml at nowhere, but found \
none: give the folder that graph_hcl.train printed.
        """
        folder = RunFolder.open(str(path))
        return cls(folder, make_config(folder.config_path, overrides))

    @property
    def path(self) -> Path:
        """The folder's path."""
        return self.folder.path

    @property
    def parts(self) -> list[str]:
        """Names of the parts that have a checkpoint."""
        return self.folder.parts()

    def find_part(self, name: str | None = None) -> str:
        """Return the name of a trained part, the first unless given.

        Raises `UserError` for a part that is not trained.
        """
        part = name or (self.parts[0] if self.parts else "")
        if part not in self.parts:
            known = ", ".join(self.parts) or "none: the run has not finished an epoch"
            raise UserError(
                f"Expected --part to be a trained part of the run ({known}), got '{part}'."
            )
        return part

    def checkpoint(self, part: str, spec: ModelSpec | None = None) -> Checkpoint:
        """Return the checkpoint of a part; `spec` is written with it when it is saved."""
        return self.folder.checkpoint(part, "" if spec is None else spec.to_json())

    def epoch(self, part: str) -> int:
        """Return how many epochs of a part are finished; 0 where it is not trained yet."""
        return self.checkpoint(part).epoch()

    def spec(self, part: str) -> ModelSpec:
        """Return the description of a trained part's model; raise `UserError` for a damaged one."""
        return read_spec(self.checkpoint(part))

    def model(self, part: str) -> ContrastiveModel:
        """Return the trained model of a part.

        Raises `UserError` for a part without a checkpoint, and for one that is damaged or does not
        fit the config.
        """
        part = self.find_part(part)
        model = make_model(self.config, self.spec(part))
        self.checkpoint(part).load(model)
        return model

    def check_same_data(self, part: str, sha256: str) -> None:
        """Raise `UserError` unless a part was trained on the data of this sha256."""
        check_same_data(sha256, self.spec(part), f"{part} of {self.path}")
