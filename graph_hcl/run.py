"""A run: its folder, its config, and the trained models in it."""

from __future__ import annotations

import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

from graph_hcl.config import Config
from graph_hcl.data.names import short_name
from graph_hcl.errors import UserError
from graph_hcl.model_factory import make_model
from graph_hcl.nn import ContrastiveModel
from graph_hcl.parts import NO_PARTS, Parts
from graph_hcl.probes import Part
from graph_hcl.settings import make_config
from graph_hcl.spec import ModelSpec, check_same_data, read_spec
from graph_hcl.trainer import Trainer
from graph_hcl.training import (
    Checkpoint,
    Diagnosis,
    Log,
    ProgressBar,
    RunFolder,
    TemperatureDiagnosis,
    Tracker,
)
from graph_hcl.training.trackers import make_logger
from graph_hcl.user_code import changed_code, user_code


class Run:
    """A run folder and its config.

    A *part* is one trained model of the run: `seed0`, or `seed0-fold3` under the inductive
    protocol. With `allow_changed_data`, the graphs may differ from the training data. `objects` are
    the objects that its config names as "in memory"; without them, its models are not made.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: Config,
        *,
        allow_changed_data: bool = False,
        objects: Parts = NO_PARTS,
    ) -> None:
        self.folder = folder
        self.config = objects.named(config)
        self.allow_changed_data = allow_changed_data
        self.objects = objects

    @classmethod
    def create(cls, config: Config) -> Run:
        """Create the folder of a new run, at `config.out` or the next free name.

        Raises `UserError` if the folder exists.
        """
        folder = RunFolder.create(config.out, f"{short_name(config.dataset)}-{config.objective}")
        folder.write_config(config.to_dict())
        run = cls(folder, config)
        if run.code:
            folder.write_code(run.code)
        return run

    @classmethod
    def open(
        cls,
        path: str | Path,
        allow_changed_data: bool = False,
        objects: Parts = NO_PARTS,
        **overrides: Any,
    ) -> Run:
        """Return the run in a folder; `overrides` replace settings of its config, by name.

        Warns where the user's code that the config names has changed since the run was created.
        Raises `UserError` for a folder without a `config.yaml`, for an invalid config, and for
        `objects` with other names than those of the run.

        >>> Run.open("nowhere", device="cpu")
        Traceback (most recent call last):
        graph_hcl.errors.UserError: Expected a run folder with a config.yaml at nowhere, but found \
none: give the folder that graph_hcl.train printed.
        """
        folder = RunFolder.open(str(path))
        config = make_config(folder.config_path)
        before = folder.code()  # nothing in runs without code of the user's
        if before and (changed := changed_code(before, user_code(config.to_dict()))):
            warnings.warn(
                f"{', '.join(changed)} changed since the training of {folder.path} began: its "
                "results are of mixed code unless the change has no effect on them.",
                stacklevel=1,  # one place, so that it is told once
            )
        config = make_config(folder.config_path, overrides) if overrides else config
        return cls(folder, config, allow_changed_data=allow_changed_data, objects=objects)

    @cached_property
    def code(self) -> dict[str, str]:
        """Hashes of the user's modules that the config names by import path, see `user_code`."""
        return user_code(self.config.to_dict())

    @property
    def path(self) -> Path:
        """The folder's path."""
        return self.folder.path

    @property
    def parts(self) -> list[str]:
        """Names of the parts that have a checkpoint."""
        return self.folder.parts()

    def find_part(self, name: str | None = None) -> str:
        """Return the name of a trained part, by default the first.

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
        """Return the checkpoint of a part; `spec` is saved with it."""
        return self.folder.checkpoint(part, "" if spec is None else spec.to_json())

    def epoch(self, part: str) -> int:
        """Return the number of finished epochs of a part."""
        return self.checkpoint(part).epoch()

    def spec(self, part: str) -> ModelSpec:
        """Return the spec of a trained part's model; raise `UserError` for a damaged one."""
        return read_spec(self.checkpoint(part))

    def model(self, part: str) -> ContrastiveModel:
        """Return the trained model of a part.

        Raises `UserError` for a part without a checkpoint, and for a checkpoint that is damaged or
        does not match the config.
        """
        part = self.find_part(part)
        model = make_model(self.config, self.spec(part), self.objects)
        self.checkpoint(part).load(model)
        return model

    def check_same_data(self, part: str, sha256: str) -> None:
        """Raise `UserError` for a part trained on data with another sha256, unless allowed."""
        if not self.allow_changed_data:
            check_same_data(sha256, self.spec(part), f"{part} of {self.path}")

    def spec_of(self, part: Part, trainer: Trainer) -> ModelSpec:
        """Return the spec of a part's model, whether or not it is trained yet.

        Raises `UserError` for a model that was trained on other data, unless allowed.
        """
        if not self.epoch(part.name):
            return trainer.describe(part.train)
        self.check_same_data(part.name, trainer.spec.data_sha256)
        return self.spec(part.name)

    def train(
        self, part: Part, trainer: Trainer, show: bool = True
    ) -> tuple[ContrastiveModel, ModelSpec]:
        """Return the trained model of a part; training resumes from its checkpoint if there is one.

        Each epoch is logged to the folder. Raises `UserError` as `spec_of` and `Trainer.fit` do.
        """
        spec = self.spec_of(part, trainer)
        checkpoint = self.checkpoint(part.name, spec)
        self.folder.forget_metrics_after(part.name, checkpoint.epoch())
        callbacks = [
            *([Diagnosis(), TemperatureDiagnosis()] if self.config.diagnose else []),
            Log(lambda record: self.folder.log({"part": part.name} | record)),
            *([ProgressBar(part.name)] if show else []),
            *self._trackers(part.name),
        ]
        model = trainer.fit(part.train, part.seed, spec, checkpoint=checkpoint, callbacks=callbacks)
        return model, spec

    def _trackers(self, part: str) -> list[Tracker]:
        """Return the tracker of a part that the config names, if any."""
        name = self.config.logger
        if name is None:
            return []
        return [Tracker(make_logger(name, self.path, part), self.config.to_dict())]
