"""A run: its folder, its config, and the trained models in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from graph_hcl.calling import called
from graph_hcl.config import Config
from graph_hcl.data.names import is_place, short_name
from graph_hcl.errors import UserError
from graph_hcl.factory import find_device
from graph_hcl.files import as_path, sweep
from graph_hcl.lock import lock
from graph_hcl.model_factory import make_model
from graph_hcl.nn import ContrastiveModel
from graph_hcl.parts import NO_PARTS, Parts
from graph_hcl.probes import Part
from graph_hcl.provenance import environment
from graph_hcl.settings import flat_settings, make_config
from graph_hcl.spec import ModelSpec, check_same_data, read_spec
from graph_hcl.trainer import Trainer
from graph_hcl.training import (
    Checkpoint,
    CollapseCheck,
    Diagnosis,
    KeepState,
    Log,
    ProgressBar,
    RunFolder,
    TemperatureDiagnosis,
    Tracker,
)
from graph_hcl.training.manifest import changed_environment
from graph_hcl.training.trackers import make_logger
from graph_hcl.trust import PLACES, refuse_code, tell_places
from graph_hcl.user_code import changed_code, user_code
from graph_hcl.warn import warn_user


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
    def create(cls, config: Config, data: str = "", place: Path | None = None) -> Run:
        """Create the folder of a new run, at `place`, or else `config.out` or the next free name.

        `data` is the sha256 of its graphs. Raises `UserError` if the folder exists.
        """
        settings = config.to_dict()
        folder = RunFolder.create(
            place or config.out,
            f"{short_name(config.dataset)}-{config.objective}",
            settings,
            code=user_code(settings),
            data=data,
            environment=environment(find_device(config.device)),
        )
        return cls(folder, config)

    @classmethod
    def open(
        cls,
        path: str | Path,
        allow_changed_data: bool = False,
        objects: Parts = NO_PARTS,
        trust_code: bool = False,
        **overrides: Any,
    ) -> Run:
        """Return the run in a folder; `overrides` replace settings of its config, by name.

        Without `trust_code`, a folder decides neither what code is run nor where data is fetched
        from and written to: import paths in its config are refused, and its `mirror` and `data_dir`
        do not count.

        Warns where the user's code that the config names has changed since the run was created.
        Raises `UserError` for a folder without a `config.yaml`, for one that has changed, and for
        `objects` with other names than those of the run.

        >>> Run.open("nowhere", device="cpu")
        Traceback (most recent call last):
        graph_hcl.errors.UserError: Expected a run folder with a config.yaml at nowhere, but found \
none: give the folder that python -m graph_hcl.train printed.
        """
        folder = RunFolder.open(path)
        config = make_config(folder.config_path)
        if not trust_code:
            given = [name for name, part in vars(objects).items() if part is not None]
            given += overrides
            settings = {
                name: value
                for name, value in flat_settings(config).items()
                if not any(name == one or name.startswith(f"{one}.") for one in given)
            }
            refuse_code(settings, folder.path)
            tell_places(settings, folder.path)
            overrides = dict.fromkeys(PLACES) | overrides
        before = folder.manifest().code  # nothing in runs without code of the user's
        if before and (changed := changed_code(before, user_code(config.to_dict()))):
            warn_user(
                f"{', '.join(changed)} changed since the training of {folder.path} began: its "
                "results are of mixed code unless the change has no effect on them."
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

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the run, inside the block.

        What killed ones left there is removed. Raises `UserError` where another one does so.
        """
        with lock(self.path / ".lock") as mine:
            if not mine:
                raise UserError(
                    f"Expected {self.path} for this process alone, but another one trains or "
                    "evaluates it: wait until it has ended."
                )
            sweep(self.path)
            yield

    def check_place(self) -> None:
        """Raise `UserError` where the graphs are in a file or folder that is not there."""
        place = self.config.dataset
        if is_place(place) and not as_path(place, "dataset").exists():
            raise UserError(
                f"Expected the graphs of {self.path} at {place}, but there is nothing: name where "
                "they are now with --dataset."
            )

    @property
    def parts(self) -> list[str]:
        """Names of the parts that have a checkpoint."""
        return self.folder.parts()

    def find_part(self, name: str | None = None) -> str:
        """Return the name of a trained part, by default the first.

        Raises `UserError` for a part that is not trained.
        """
        parts = self.parts
        if not parts:
            raise UserError(
                f"Expected a run with a trained part, but {self.path} has none yet: train it with "
                f"{called('train')} --resume {self.path}."
            )
        part = name or parts[0]
        if part not in parts:
            raise UserError(
                f"Expected --part to be a trained part of the run ({', '.join(parts)}), but got "
                f"'{part}'."
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
        """Return the trained model of a part, in evaluation mode.

        Raises `UserError` for a part without a checkpoint, and for a checkpoint that is damaged or
        does not match the config.
        """
        part = self.find_part(part)
        self.check_fits(part)
        model = make_model(self.config, self.spec(part), self.objects)
        self.checkpoint(part).load(model)
        return model.eval()

    def check_fits(self, part: str) -> None:
        """Raise `UserError` as `model` does, before any memory is taken for the model."""
        make = partial(make_model, self.config, self.spec(part), self.objects)
        self.checkpoint(part).check_fits(make)

    def check_same_data(self, part: str, sha256: str) -> None:
        """Raise `UserError` for a part trained on data with another sha256, unless allowed."""
        if not self.allow_changed_data:
            check_same_data(sha256, self.spec(part).data_sha256, f"{part} of {self.path}")

    def spec_of(self, part: Part, trainer: Trainer) -> ModelSpec:
        """Return the spec of a part's model, whether or not it is trained yet.

        Raises `UserError` for a model that was trained on other data, unless allowed.
        """
        if self.checkpoint(part.name).state() is None:
            if (begun_with := self.folder.manifest().data) and not self.allow_changed_data:
                check_same_data(trainer.spec.data_sha256, begun_with, str(self.path))
            return trainer.describe(part.train)
        self.check_same_data(part.name, trainer.spec.data_sha256)
        return self.spec(part.name)

    def train(
        self, part: Part, trainer: Trainer, show: bool = True
    ) -> tuple[ContrastiveModel, ModelSpec]:
        """Return the trained model of a part; training resumes from its checkpoint if there is one.

        Each epoch is logged to the folder; of no epochs, the untrained model is the checkpoint.
        Raises `UserError` as `spec_of` and `Trainer.fit` do.
        """
        spec = self.spec_of(part, trainer)
        checkpoint = self.checkpoint(part.name, spec)
        done = checkpoint.state()
        is_done = done is not None and done.epoch >= self.config.epochs
        if done is not None:
            self.check_fits(part.name)
            if not is_done:
                self._tell_changed_environment(trainer)
        self.folder.forget_metrics_after(part.name, 0 if done is None else done.epoch)
        callbacks = [
            *([Diagnosis(), TemperatureDiagnosis()] if self.config.diagnose else []),
            CollapseCheck(),
            Log(lambda record: self.folder.log({"part": part.name} | record)),
            *([ProgressBar(part.name)] if show else []),
            *([] if is_done else self._trackers(part)),
        ]
        untrained = KeepState()
        if not self.config.epochs:
            callbacks.append(untrained)
        model = trainer.fit(part.train, part.seed, spec, checkpoint=checkpoint, callbacks=callbacks)
        if not self.config.epochs and done is None:
            checkpoint.write(0, untrained.tensors)
        return model, spec

    def _tell_changed_environment(self, trainer: Trainer) -> None:
        before, now = self.folder.manifest().environment, environment(trainer.device)
        if before and (changed := changed_environment(before, now)):
            warn_user(
                f"{self.path} was begun with another {', another '.join(changed)}: its last bits "
                "may differ from those of a training that was not interrupted."
            )

    def _trackers(self, part: Part) -> list[Tracker]:
        """Return the tracker of a part that the config names, if any."""
        name = self.config.logger
        if name is None:
            return []
        settings = self.config.to_dict() | {"seed": part.seed}
        return [Tracker(make_logger(name, self.path, part.name), settings)]
