"""Checkpoints: weights, optimiser, random state and epoch in one safetensors file."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from graph_hcl.errors import UserError
from graph_hcl.files import write_atomically
from graph_hcl.tensor_files import read_metadata, read_tensors

GROUPS = ("model", "objective", "optimizer", "rng")


class Checkpoint:
    """The file of one trained model; it holds tensors only, so opening it never executes code.

    Keys are `model.*`, `objective.*`, `optimizer.<parameter>.<state>` and `rng.*`; the metadata
    holds the number of finished epochs, and the description `model` of the model as text.

    Args:
        path: the file, `….safetensors`.
        model: description of the model as text.

    >>> import tempfile
    >>> net = nn.Linear(2, 2)
    >>> folder = tempfile.TemporaryDirectory()
    >>> checkpoint = Checkpoint(Path(folder.name, "seed0.safetensors"))
    >>> checkpoint.save(3, net, torch.optim.Adam(net.parameters()), {})
    >>> checkpoint.load(net)
    3
    """

    def __init__(self, path: Path, model: str = "") -> None:
        self.path = path
        self.model = model

    def epoch(self) -> int:
        """Return the number of finished epochs, 0 when there is no file yet.

        Raises `UserError` for a file that is not a complete checkpoint.
        """
        return self._read()[0]

    def description(self) -> str:
        """Return the description of the saved model; raise `UserError` as `epoch` does."""
        return self._read()[1]

    def _read(self) -> tuple[int, str]:
        if not self.path.exists():
            return 0, self.model
        try:
            state = json.loads(read_metadata(self.path)["state"])
            return int(state["epoch"]), str(state["model"])
        except (SafetensorError, TypeError, KeyError, ValueError) as error:
            raise UserError(
                f"Expected a checkpoint of graph_hcl at {self.path}, but it is damaged or of"
                f" another version ({error}); delete it to train this part anew."
            ) from error

    def save(
        self,
        epoch: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        generators: dict[str, torch.Generator],
        objective: nn.Module | None = None,
    ) -> None:
        """Write the state after `epoch` finished epochs, atomically.

        Args:
            epoch: number of finished epochs.
            model: the model.
            optimizer: its optimiser.
            generators: generators by name.
            objective: the objective, where it has a state.
        """
        self.write(epoch, state_tensors(model, optimizer, generators, objective))

    def write(self, epoch: int, tensors: dict[str, Tensor]) -> None:
        """Write `state_tensors` after `epoch` finished epochs, atomically."""
        # One entry only: safetensors would write several in arbitrary order.
        metadata = {"state": json.dumps({"epoch": epoch, "model": self.model})}
        write_atomically(self.path, lambda to: save_file(tensors, to, metadata))

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors of the file; raise `UserError` as `epoch` does."""
        self.epoch()
        return read_tensors(self.path)[0]

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

        Args:
            model: the model.
            optimizer: its optimiser.
            generators: generators by name.
            objective: the objective, where it has a state.
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
