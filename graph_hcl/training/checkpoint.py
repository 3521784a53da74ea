"""Checkpoints: weights, optimiser, random state and epoch in one safetensors file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from graph_hcl.errors import UserError
from graph_hcl.files import as_path, copy_or_link, write_atomically
from graph_hcl.losses.objective import CallableObjective, Objective
from graph_hcl.registry import label_of
from graph_hcl.sealed import parse_sealed, seal
from graph_hcl.tensor_files import DAMAGE, hashed, read_tensors
from graph_hcl.training.state import (
    BatchFeatures,
    TrainState,
    random_states,
    set_random_states,
)
from graph_hcl.warn import warn_user

GROUPS = ("model", "objective", "optimizer", "scaler", "rng", "progress")


@dataclass(frozen=True)
class SavedState:
    """What a checkpoint says besides its tensors.

    That is its file, epoch, step, model and run, and the class or function of its objective if it
    is of no run.
    """

    file: Path
    epoch: int
    step: int
    model: str
    run: str
    objective: str = ""


class Checkpoint:
    """The file of one trained model; it holds tensors only, so opening it never executes code.

    Keys are `model.*`, `objective.*`, `optimizer.<parameter>.<state>`, `rng.*`, and inside an epoch
    `progress.*`. The metadata holds the number of finished epochs and of steps of the next, the
    description `model` of the model as text, the `run` that it belongs to, and a hash of all of
    these and the tensors, which is verified whenever the file is read. The file before the last is
    kept beside it: if the last is damaged, that one is used, with a warning.

    Args:
        path: the file, `….safetensors`.
        model: description of the model as text.
        run: hash of the run's settings; "" takes the checkpoint of any run.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> checkpoint = Checkpoint(Path(folder.name, "seed0.safetensors"))
    >>> checkpoint.write(3, {"model.weight": torch.eye(2)})
    >>> checkpoint.epoch(), checkpoint.weights()["weight"].shape
    (3, torch.Size([2, 2]))
    """

    def __init__(self, path: str | Path, model: str = "", run: str = "") -> None:
        self.path = as_path(path, "path")
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
        if self.path.is_dir():
            raise UserError(f"Expected to use {self.path}, but got 'Is a directory': name a file.")
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
        warn_user(
            f"{self.path} is damaged ({problem}): the checkpoint of epoch {state.epoch}, which was "
            "kept, takes its place."
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

    def save(self, state: TrainState) -> None:
        """Write the state of a training, inside an epoch or after one, atomically."""
        finished = state.epoch - (1 if state.step else 0)
        objective = "" if self.run else label_of_objective(state.objective)
        self.write(finished, state_tensors(state), state.step, objective)

    def write(
        self, epoch: int, tensors: dict[str, Tensor], step: int = 0, objective: str = ""
    ) -> None:
        """Write the tensors of a training, atomically.

        Args:
            epoch: number of finished epochs.
            tensors: what `state_tensors` returns.
            step: number of finished steps of the next epoch.
            objective: name of the objective's class or function, where no run tells it.
        """
        state = {"epoch": epoch, "step": step, "model": self.model, "run": self.run}
        state |= {"objective": objective} if objective else {}
        # One entry only: safetensors would write several in arbitrary order.
        metadata = {"state": json.dumps(seal(state | {"tensors": hashed(tensors)}))}

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
        """Return the weights of the saved model by name.

        Raises `UserError` as `epoch` does, and when there is no file.
        """
        if self.state() is None:
            raise UserError(
                f"Expected a checkpoint at {self.path}, but there is no such file: name one, "
                "such as RUN/checkpoint/PART.safetensors."
            )
        return self._groups()["model"]

    def _groups(self) -> dict[str, dict[str, Tensor]]:
        """Return the tensors of the file by group and name."""
        groups: dict[str, dict[str, Tensor]] = {g: {} for g in GROUPS}
        for key, tensor in self.tensors().items():
            group, _, name = key.partition(".")
            groups[group][name] = tensor
        return groups

    def check_fits(self, make: Callable[[], nn.Module]) -> None:
        """Raise `UserError` as `load` does for a model, before any memory is taken for it.

        It is made without memory; what cannot be is passed over.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with torch.device("meta"):
                    model = make()
            except Exception:  # whatever it is, making it in earnest tells
                return
            self._load_weights(model, self.weights())  # of which the shapes alone count here

    def load(self, model: nn.Module) -> int:
        """Load the weights of a model; return the number of finished epochs.

        Raises `UserError` as `weights` does, and when the file does not fit the model.
        """
        self._load_weights(model, self.weights())
        return self.epoch()

    def resume(self, state: TrainState) -> None:
        """Bring a training to where it was saved; raise `UserError` as `load` does."""
        try:
            self._resume(state)
        except UserError:
            raise
        except (IndexError, *DAMAGE) as error:
            raise UserError(
                f"Expected the state of this training in {self.path}, but it does not fit "
                f"({error}): delete it to train this part anew."
            ) from error

    def _resume(self, state: TrainState) -> None:
        saved, groups = self.state(), self._groups()
        assert saved is not None  # the caller has seen it
        self._load_weights(state.model, groups["model"])
        if state.objective_module is not None:
            state.objective_module.load_state_dict(groups["objective"])
        _load_optimizer(state.optimizer, groups["optimizer"])
        for name, generator in state.generators.items():
            generator.set_state(groups["rng"][name])
        state.precision.load(groups["scaler"])
        set_random_states(groups["rng"], state.device)
        state.epoch, state.step = saved.epoch, saved.step
        if saved.step:
            inside = groups["progress"]
            state.begun = {name: groups["rng"][name] for name in state.generators}
            state.losses = list(inside["losses"].to(state.device).unbind())
            batch = [inside[name].to(state.device) for name in BatchFeatures._fields[:2]]
            label = inside["label"].to(state.device) if "label" in inside else None
            state.largest_batch = BatchFeatures(batch[0], batch[1], label)

    def _load_weights(self, model: nn.Module, weights: dict[str, Tensor]) -> None:
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise UserError(
                f"The checkpoint {self.path} does not fit the encoder of its config: "
                f"{' '.join(str(error).split())}"
            ) from error


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
    kinds = {"epoch": int, "step": int, "model": str, "run": str, "objective": str}
    state.setdefault("objective", "")
    if any(type(state[name]) is not kind for name, kind in kinds.items()):
        raise ValueError("one of its entries is of another type")
    if not 0 <= state["epoch"] < 1 << 53 or not 0 <= state["step"] < 1 << 53:
        raise ValueError("its epoch or step is out of range")
    return SavedState(file, **{name: state[name] for name in kinds})


def label_of_objective(objective: Objective) -> str:
    """Return the name of an objective's class, or of the function that it is.

    >>> from graph_hcl.losses import UCL, as_objective
    >>> label_of_objective(UCL()), label_of_objective(as_objective(lambda z, graph, label: z.sum()))
    ('UCL', '<lambda>')
    """
    if isinstance(objective, CallableObjective):
        return label_of(objective.function)
    return label_of(objective)


def state_tensors(state: TrainState) -> dict[str, Tensor]:
    """Return copies of all tensors of a training by name, as a checkpoint holds them.

    Inside an epoch, the generators are those of its beginning, and what the epoch has gathered so
    far is there, too.
    """
    tensors = {f"model.{name}": value for name, value in state.model.state_dict().items()}
    if state.objective_module is not None:
        kept = state.objective_module.state_dict()
        tensors |= {f"objective.{name}": value for name, value in kept.items()}
    for index, moments in state.optimizer.state_dict()["state"].items():
        if odd := [name for name, value in moments.items() if not isinstance(value, Tensor)]:
            raise UserError(
                f"Expected an optimizer with a state of tensors alone, but {odd[0]} of "
                f"{type(state.optimizer).__name__} is none: a checkpoint could not hold it."
            )
        tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
    generators = {name: each.get_state() for name, each in state.generators.items()}
    if state.step:
        generators = state.begun
        tensors["progress.losses"] = torch.stack(state.losses)
        if (batch := state.largest_batch) is not None:
            found = {k: v for k, v in batch._asdict().items() if v is not None}
            tensors |= {f"progress.{name}": value for name, value in found.items()}
    tensors |= {f"rng.{name}": value for name, value in generators.items()}
    tensors |= {f"rng.{name}": value for name, value in random_states(state.device).items()}
    tensors |= {f"scaler.{name}": value for name, value in state.precision.tensors().items()}
    # safetensors refuses tensors that share memory or are not contiguous.
    return {name: value.detach().clone().contiguous() for name, value in tensors.items()}


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    names = [set(moments) for moments in state.values()]
    fits = all(
        number < len(parameters) and value.shape in (parameters[number].shape, torch.Size())
        for number, moments in state.items()
        for value in moments.values()
    )
    if not fits or any(one != names[0] for one in names):
        raise ValueError("the optimiser has other parameters")
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
