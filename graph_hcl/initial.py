"""Weights of another run that a training starts from."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.objective_factory import make_objective
from graph_hcl.parts import shown
from graph_hcl.schema import flag
from graph_hcl.settings import flat_settings, make_config
from graph_hcl.spec import ModelSpec, read_spec
from graph_hcl.training import RunFolder
from graph_hcl.trust import import_paths
from graph_hcl.warn import warn_user

ENCODER = ("backbone", "hidden", "layers")
ENCODER_OPTIONS = ("jk", "norm", "act", "options", "embedding")
"""Settings that give the encoder its weights and their meaning; the second are of `encoder`."""
SUFFIX = ".safetensors"
HEADS = {"head": "projection head", "node_head": "projection head of nodes"}


@dataclass(frozen=True)
class Pretrained:
    """One trained model of a run: its settings, the meaning of its inputs, and its weights.

    `name` says where it is from; `sha256` is that of the file, which identifies the weights.
    """

    name: str
    config: Config
    spec: ModelSpec
    weights: dict[str, Tensor]
    sha256: str

    def check(self, config: Config, data_sha256: str) -> None:
        """Raise `UserError` for an encoder of another make, and for one that saw these labels.

        Warns where the encoder was trained on the graphs that are tested now, without labels.
        """
        for name, own, given in _encoder_settings(self.config, config):
            if own != given:
                raise UserError(
                    f"Expected the encoder of {self.name} to go on from its weights, but got "
                    f"{flag(name)} {given} where it has {own}: give {flag(name)} {own}."
                )
        if data_sha256 != self.spec.data_sha256:
            return
        all_folds = self.config.protocol == "transductive"
        if not all_folds and _reads_labels(self.config):
            raise UserError(
                f"Expected --init-from a run that saw no labels of these graphs, but {self.name} "
                f"was trained on them with {shown(self.config.objective)}: test labels would leak, "
                "so go on from a run on other graphs, or without labels."
            )
        if config.protocol == "inductive":
            which = "the graphs of all folds" if all_folds else "test graphs of other folds"
            warn_user(f"The encoder of {self.name} was trained on {which}, without their labels.")

    def adapted(self, spec: ModelSpec) -> ModelSpec:
        """Return the spec of a model that goes on: its inputs are those of the encoder."""
        own = self.spec
        return dataclasses.replace(
            spec,
            vocabulary=own.vocabulary,
            reads=own.reads,
            fields=own.fields,
            degrees=own.degrees,
        )

    def load_into(self, model: nn.Module) -> list[str]:
        """Give a model the encoder's weights, and those of its heads where they have the shapes.

        Returns the heads that stay as they are. Raises `UserError` for another encoder.
        """
        own = model.state_dict()
        fitting = {
            name: value
            for name, value in self.weights.items()
            if name in own and own[name].shape == value.shape
        }
        lacking = [name for name in own if name.startswith("encoder.") and name not in fitting]
        if lacking:
            raise UserError(
                f"Expected an encoder with the weights of {self.name}, but {lacking[0]} is missing "
                "there or has another shape: give the settings of that run's config.yaml."
            )
        new = []
        for prefix, words in HEADS.items():
            names = [name for name in own if name.startswith(f"{prefix}.")]
            if not all(name in fitting for name in names):
                new.append(words)
                fitting = {k: v for k, v in fitting.items() if k not in names}
        model.load_state_dict(own | fitting)
        return new


def read_pretrained(path: str) -> Pretrained:
    """Return a trained part of a run, by its folder or by the file of the part's checkpoint.

    Of a folder it is the first part, with a warning where there are several. Raises `UserError` for
    a folder without a trained part, and for a file that is no checkpoint of a run.

    >>> read_pretrained("nowhere")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected a run folder with a config.yaml at nowhere, but found \
none: give the folder that python -m graph_hcl.train printed.
    """
    if (file := as_path(path, "init_from")).suffix == SUFFIX:
        folder, part = _of_file(file)
    else:
        folder = RunFolder.open(path)
        parts = folder.parts()
        if not parts:
            raise UserError(
                f"Expected --init-from a run with a trained part, but {path} has none: train it "
                "first."
            )
        part = parts[0]
        if len(parts) > 1:
            warn_user(
                f"{path} has {len(parts)} trained parts; the weights are those of {part}: name "
                f"another by its file, such as {folder.checkpoint(parts[1]).path}."
            )
    checkpoint = folder.checkpoint(part)
    state = checkpoint.state()
    assert state is not None  # it is one of the folder's parts
    return Pretrained(
        f"{part} of {folder.path}",
        make_config(folder.config_path),
        read_spec(checkpoint),
        checkpoint.weights(),
        hashlib.sha256(state.file.read_bytes()).hexdigest(),
    )


def short_origin(path: str) -> str:
    """Return the name of a run, and of the part if it is named by its file.

    >>> short_origin("runs/a"), short_origin("runs/a/checkpoint/seed0-fold3.safetensors")
    ('a', 'a/seed0-fold3')
    """
    place = Path(path)
    return f"{place.parents[1].name}/{place.stem}" if place.suffix == SUFFIX else place.name


def _of_file(file: Path) -> tuple[RunFolder, str]:
    """Return the run that a checkpoint belongs to, and the name of its part."""
    folder = RunFolder(file.absolute().parent.parent)
    known = folder.parts() if folder.config_path.is_file() else []
    if file.stem not in known or folder.checkpoint(file.stem).path != file.absolute():
        has = f"; {folder.path} has {', '.join(known)}" if known else ""
        raise UserError(
            f"Expected --init-from a run, or the file RUN/checkpoint/PART{SUFFIX} of one of its "
            f"trained parts, but {file} is none{has}."
        )
    return folder, file.stem


def _encoder_settings(one: Config, other: Config) -> list[tuple[str, object, object]]:
    names = [*ENCODER, *(f"encoder.{name}" for name in ENCODER_OPTIONS)]
    values = [
        flat_settings(config) | {"encoder.options": config.encoder.options}
        for config in (one, other)
    ]
    return [(name, values[0][name], values[1][name]) for name in names]


def _reads_labels(config: Config) -> bool:
    """Tell whether the objective of a run reads labels; code of others, which is not run, may."""
    if import_paths({"objective": config.objective, "loss": config.to_dict()["loss"]}):
        return True
    try:
        return make_objective(config)[0].tags.labels
    except UserError:
        return True
