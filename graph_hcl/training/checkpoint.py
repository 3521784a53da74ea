"""Checkpoints: weights, optimiser, random state and epoch in one safetensors file."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from graph_hcl.errors import UserError
from graph_hcl.files import copy_or_link, write_atomically
from graph_hcl.sealed import parse_sealed, seal
from graph_hcl.tensor_files import read_tensors

GROUPS = ("model", "objective", "optimizer", "rng")
DAMAGE = (SafetensorError, ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What a damaged file raises when it is read."""


@dataclass(frozen=True)
class SavedState:
    """What a checkpoint says besides its tensors: its file, epoch, model and run."""

    file: Path
    epoch: int
    model: str
    run: str


class Checkpoint:
    """The file of one trained model; it holds tensors only, so opening it never executes code.

    Keys are `model.*`, `objective.*`, `optimizer.<parameter>.<state>` and `rng.*`; the metadata
    holds the number of finished epochs, the description `model` of the model as text, the `run`
    that it belongs to, and a hash of all of these and the tensors. It is verified whenever it is
    read. The file before the last is kept beside it: if the last is damaged, that one is used, with
    a warning.
    """

    def __init__(self, path: Path, model: str = "", run: str = "") -> None:
        self.path = path
        self.model = model
        self.run = run

    @property
    def previous(self) -> Path:
        """The checkpoint before the last."""
        return self.path.with_name(f"{self.path.name}.previous")

    def epoch(self) -> int:
        """Return the number of finished epochs, 0 when there is no file yet.

        Raises `UserError` for a file that is no complete checkpoint of this run.
        """
        state = self.state()
        return 0 if state is None else state.epoch

    def description(self) -> str:
        """Return the description of the saved model; raise `UserError` as `epoch` does."""
        state = self.state()
        return self.model if state is None else state.model

    def state(self) -> SavedState | None:
        """Return the last good state, None when there is no file yet; raise as `epoch` does."""
        if not self.path.exists():
            return None
        try:
            return self._checked(self.path)
        except UserError:
            raise
        except DAMAGE as error:
            problem = error
        try:
            state = self._checked(self.previous)
        except (OSError, *DAMAGE) as error:
            raise UserError(
                f"Expected a checkpoint of graph_hcl at {self.path}, but it is damaged or of"
                f" another version ({problem}); delete it to train this part anew."
            ) from error
        warnings.warn(
            f"{self.path} is damaged ({problem}): the checkpoint of epoch {state.epoch}, which was "
            "kept, takes its place.",
            stacklevel=1,  # one place, so that it is told once
        )
        return state

    def _checked(self, file: Path) -> SavedState:
        state = _verified(file, _signature(file))
        if self.run and state.run != self.run:
            raise UserError(
                f"Expected a checkpoint of the run in {self.path.parent.parent}, but {file.name} "
                "was trained with other settings: put the run's own back, or delete it to train "
                "this part anew."
            )
        return state

    def save(
        self,
        epoch: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        generators: dict[str, torch.Generator],
        objective: nn.Module | None = None,
    ) -> None:
        """Write the state after `epoch` finished epochs, atomically."""
        self.write(epoch, state_tensors(model, optimizer, generators, objective))

    def write(self, epoch: int, tensors: dict[str, Tensor]) -> None:
        """Write `state_tensors` after `epoch` finished epochs, atomically."""
        state = {"epoch": epoch, "model": self.model, "run": self.run, "tensors": hashed(tensors)}
        # One entry only: safetensors would write several in arbitrary order.
        metadata = {"state": json.dumps(seal(state))}

        def write(to: Path) -> None:
            save_file(tensors, to, metadata)
            self._keep_previous()

        write_atomically(self.path, write)

    def _keep_previous(self) -> None:
        """Keep the present file beside the next one, if it is good."""
        try:
            self._checked(self.path)
        except (OSError, UserError, *DAMAGE):
            return  # there is none yet, or what is kept is better
        write_atomically(self.previous, lambda to: copy_or_link(self.path, to))

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors of the file; raise `UserError` as `epoch` does."""
        state = self.state()
        return {} if state is None else read_tensors(state.file)[0]

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of the saved model by name; raise `UserError` as `epoch` does."""
        return self._groups()["model"]

    def _groups(self) -> dict[str, dict[str, Tensor]]:
        """Return the tensors of the file by group and name."""
        groups: dict[str, dict[str, Tensor]] = {g: {} for g in GROUPS}
        for key, tensor in self.tensors().items():
            group, _, name = key.partition(".")
            groups[group][name] = tensor
        return groups

    def load(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        generators: dict[str, torch.Generator] | None = None,
        objective: nn.Module | None = None,
    ) -> int:
        """Load the saved state into the given objects; return the number of finished epochs.

        Given the model alone, only its weights are loaded. Raises `UserError` when the file does
        not fit the model.
        """
        epoch, groups = self.epoch(), self._groups()
        try:
            model.load_state_dict(groups["model"])
        except RuntimeError as error:
            raise UserError(
                f"The checkpoint {self.path} does not fit the encoder of its config: "
                f"{' '.join(str(error).split())}"
            ) from error
        if objective is not None:
            objective.load_state_dict(groups["objective"])
        if optimizer is not None:
            _load_optimizer(optimizer, groups["optimizer"])
        for name, generator in (generators or {}).items():
            generator.set_state(groups["rng"][name])
        if generators is not None:
            torch.set_rng_state(groups["rng"]["global"])
        return epoch


def hashed(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of tensors with their names, types and shapes.

    >>> hashed({"a": torch.zeros(2)}) == hashed({"a": torch.zeros(1, 2)})
    False
    """
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def _signature(file: Path) -> tuple[int, int, int]:
    """Return what changes when a file is written anew."""
    about = file.stat()
    return about.st_mtime_ns, about.st_size, about.st_ino


@lru_cache(maxsize=64)
def _verified(file: Path, signature: tuple[int, int, int]) -> SavedState:
    """Return the state of a file whose hash is right; raise one of `DAMAGE` for any other."""
    tensors, metadata = read_tensors(file)
    state = parse_sealed(metadata["state"].encode())
    if state["tensors"] != hashed(tensors):
        raise ValueError("its tensors do not have their sha256")
    if {name.partition(".")[0] for name in tensors} - set(GROUPS):
        raise ValueError("it holds unknown tensors")
    return SavedState(file, int(state["epoch"]), str(state["model"]), str(state["run"]))


def state_tensors(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    generators: dict[str, torch.Generator],
    objective: nn.Module | None = None,
) -> dict[str, Tensor]:
    """Return copies of all tensors of a training by name, as a checkpoint holds them."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    if objective is not None:
        tensors |= {f"objective.{k}": value for k, value in objective.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    tensors |= {f"rng.{name}": value.get_state() for name, value in generators.items()}
    tensors["rng.global"] = torch.get_rng_state()
    # safetensors refuses tensors that share memory or are not contiguous.
    return {name: value.detach().clone().contiguous() for name, value in tensors.items()}


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
