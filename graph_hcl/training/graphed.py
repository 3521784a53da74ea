"""Whole steps of a training recorded as CUDA graphs, and repeated on padded batches of a shape.

A step on small graphs launches hundreds of kernels that each take less time than their launch. A
recorded step is one launch. It reads tensors at fixed places, which each batch is copied to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graph_hcl import losses
from graph_hcl.augment import ViewSampler
from graph_hcl.data.batch import is_sorted_undirected, make_batch
from graph_hcl.errors import UserError
from graph_hcl.losses.objective import ObjectiveInput
from graph_hcl.losses.weighting import steepness
from graph_hcl.nn.over_real import over_real
from graph_hcl.registries import OPTIMIZERS
from graph_hcl.training.padding import check_padding, pad, padded_shape, real_rows
from graph_hcl.training.state import (
    TrainingSettings,
    TrainState,
    random_states,
    set_random_states,
)
from graph_hcl.training.step import Step, Views, take_step

MOST_SHAPES = 16
"""Shapes whose steps are recorded; steps of further ones are taken one kernel after the other."""
WARM_UP = 3
"""Steps before one is recorded, in which libraries allocate and compile what they keep."""
OBJECTIVES = (losses.UCL, losses.HUCL, losses.SCL, losses.HSCL, losses.NTXent, losses.SupCon)
"""Losses whose steps may be recorded, unless `why_not` names a setting of theirs."""

NODES, EDGES = "real nodes", "real edges"
_OTHERS = {"graph", "label", NODES, EDGES}
"""What is copied to fixed places besides the fields of the batch."""

Recorded = tuple[Callable[[], None], Step]
"""What takes a recorded step again, and the tensors where its numbers then are."""


def check_graphed(
    settings: TrainingSettings, objective: Any, sampler: Any, device: torch.device
) -> None:
    """Raise `UserError` where the steps of a training cannot be recorded.

    Whether padding leaves the network's features as they are is seen at the first batch.
    """
    if not settings.cuda_graphs:
        return
    if device.type != "cuda":
        raise UserError(
            f"Expected a CUDA device with --cuda-graphs, but got {device.type}: leave it out, or "
            "choose --device cuda."
        )
    if (reason := why_not(settings, objective, sampler)) is not None:
        raise UserError(f"Expected {reason} with --cuda-graphs: leave one of them out.")


def why_not(settings: TrainingSettings, objective: Any, sampler: Any) -> str | None:
    """Return what is expected in place of which setting, or None where steps may be recorded.

    >>> why_not(TrainingSettings(1, 8, cuda_graphs=True, max_nodes=9), losses.UCL(), None)
    'batches of --batch-size graphs, but got --max-nodes 9'
    """
    if settings.max_nodes is not None:
        return f"batches of --batch-size graphs, but got --max-nodes {settings.max_nodes}"
    if settings.precision == "16-mixed":
        return "--precision 32-true or bf16-mixed, but got 16-mixed, whose scale the host reads,"
    if OPTIMIZERS.canonical(settings.optimizer) not in ("adam", "adamw"):
        return f"the optimizer adam or adamw, but got {settings.optimizer}"
    if isinstance(sampler, ViewSampler) and not sampler.joint:
        return "all views in one batch, but got --encoder.per-view or --encoder.weight-noise"
    name = type(objective).__name__
    if type(objective) not in OBJECTIVES:
        allowed = ", ".join(each.__name__ for each in OBJECTIVES)
        return f"one of the losses {allowed}, but got {name}"
    for state, what in (
        (objective.memory, "a memory of earlier batches"),
        (objective.annealing, "a schedule of beta"),
        (objective.auto_temperature or None, "a temperature of each batch"),
        (objective.psi, "psi"),
        (objective.gather, "rows of several processes"),
        (objective.settings.num_negatives, "negatives that are drawn"),
        (None if objective.contrast == "all" else objective, f"contrast {objective.contrast}"),
        (objective.include_self or None, "include_self"),
    ):
        if state is not None:
            return f"a loss that is the same function in every step, but got {name} with {what}"
    hardening = objective.settings.hardening
    if hardening is not None and steepness(hardening) is None:
        kind = type(hardening).__name__
        return f"exponential hardening, a power mean or none, but got {name} with {kind}"
    return None


class CudaRecorder:
    """Records steps as CUDA graphs of a device, whose memory is one pool."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool: Any = None
        self._own_stream: Any = None

    @property
    def _stream(self) -> Any:
        """A stream of this device: torch's own for recordings is on the one that was first."""
        self._own_stream = self._own_stream or torch.cuda.Stream(self._device)
        return self._own_stream

    def warm_up(self, step: Callable[[], Step]) -> None:
        """Take some steps aside; raise `UserError` where the last of them waits for the device."""
        mode = torch.cuda.get_sync_debug_mode()
        with torch.cuda.device(self._device):
            stream = self._stream
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP - 1):
                    step()
                torch.cuda.set_sync_debug_mode("error")
                try:
                    step()
                except RuntimeError as error:
                    if "synchroniz" not in str(error):
                        raise
                    raise UserError(
                        "Expected a network and a loss that do not wait for the device with "
                        "--cuda-graphs, but one of them does: leave --cuda-graphs out, or take "
                        "others (gin and h-ucl do not wait, and with Triton no loss does)."
                    ) from error
                finally:
                    torch.cuda.set_sync_debug_mode(mode)
            torch.cuda.current_stream().wait_stream(stream)

    def record(self, step: Callable[[], Step]) -> Recorded:
        """Return a step that is recorded, and not taken."""
        graph = torch.cuda.CUDAGraph()
        recording = torch.cuda.graph(graph, pool=self._pool, stream=self._stream)
        with torch.cuda.device(self._device), recording:
            numbers = step()
        self._pool = self._pool or graph.pool()

        def replay() -> None:
            with torch.cuda.device(self._device):
                graph.replay()

        return replay, numbers


@dataclass(frozen=True)
class _Shape:
    """A recorded step: the tensors it reads, what takes it, and the numbers it leaves."""

    inputs: dict[str, Tensor]
    replay: Callable[[], None]
    numbers: Step


class GraphedSteps:
    """Takes steps of a training, each recorded when the shape of its padded batch first occurs.

    Recording leaves weights, optimiser and random states as they are, so that the step is then
    taken as all others of its shape are.

    >>> GraphedSteps(CudaRecorder(torch.device("cuda"))).shapes
    0
    """

    def __init__(self, recorder: Any) -> None:
        self._recorder = recorder
        self._recorded: dict[Any, _Shape] = {}

    @property
    def shapes(self) -> int:
        """Number of shapes whose steps are recorded."""
        return len(self._recorded)

    def __call__(
        self,
        state: TrainState,
        views: Views,
        graph: Tensor,
        label: Tensor | None,
        count: int,
        clip: float | None,
    ) -> Step | None:
        """Take the step on `count` views of graphs [V·B]; return None where it is not recorded.

        That is so beyond `MOST_SHAPES` shapes, and where a graph may be given twice. The first
        batch raises `UserError` as `check_padding` does.
        """
        if len(views) != 1 or not state.distinct:
            return None
        batch = views[0].batch
        if not self._recorded:
            check_padding(state.model, batch)
        nodes, edges = padded_shape(batch)
        padded = pad(batch, nodes, edges)
        inputs = {name: each for name, each in padded.to_dict().items() if torch.is_tensor(each)}
        rows = real_rows(batch, nodes, edges)
        inputs |= {"graph": graph, NODES: rows[nodes], EDGES: rows[edges]}
        if state.objective.tags.labels and label is not None:
            inputs["label"] = label
        ordered = is_sorted_undirected(padded)
        key = ordered, *((name, each.shape, each.dtype) for name, each in inputs.items())
        shape = self._recorded.get(key)
        if shape is None and len(self._recorded) == MOST_SHAPES:
            return None
        if shape is None:
            # Copies: what the first batch gives, its numbers of graphs too, is kept elsewhere.
            own = {name: each.clone() for name, each in inputs.items()}
            step = _step_on(state, own, ordered, count, clip)
            shape = self._recorded[key] = self._record(state, own, step)
        else:
            for name, value in inputs.items():
                shape.inputs[name].copy_(value)
        shape.replay()
        loss, norm, given = shape.numbers
        kept = given._replace(z=given.z.clone(), graph=graph, label=inputs.get("label"))
        return Step(loss.clone(), norm.clone(), kept)

    def _record(
        self, state: TrainState, inputs: dict[str, Tensor], step: Callable[[], Step]
    ) -> _Shape:
        kept, random = _copies(state), random_states(state.device)
        self._recorder.warm_up(step)
        replay, numbers = self._recorder.record(step)
        with torch.no_grad():
            for name, place in _places(state).items():
                if name in kept:
                    place.copy_(kept[name])
                else:  # the optimiser makes its state, of zeros, in its first step
                    place.zero_()
        set_random_states(random, state.device)
        return _Shape(inputs, replay, numbers)


def _step_on(
    state: TrainState, inputs: dict[str, Tensor], ordered: bool, count: int, clip: float | None
) -> Callable[[], Step]:
    """Return what takes a step on the padded batch that is in `inputs` whenever it is called."""
    fields = {name: each for name, each in inputs.items() if name not in _OTHERS}
    graphs = len(inputs["ptr"]) - 1
    nodes, edges = len(inputs["x"]), inputs["edge_index"].shape[1]

    def given() -> ObjectiveInput:
        batch = make_batch(graphs, ordered, **fields)
        with over_real(state.model, {nodes: inputs[NODES], edges: inputs[EDGES]}):
            z = state.model(batch)[:-1]
        return ObjectiveInput(z, inputs["graph"], inputs.get("label"), views=count)

    return lambda: take_step(state, given, clip)


def _places(state: TrainState) -> dict[Any, Tensor]:
    """Return the tensors that a step changes, by name, or by weight and name in the optimiser."""
    found: dict[Any, Tensor] = dict(state.model.state_dict(keep_vars=True))
    for group in state.optimizer.param_groups:
        for number, weight in enumerate(group["params"]):
            for name, value in state.optimizer.state.get(weight, {}).items():
                found[number, name] = value
    return found


def _copies(state: TrainState) -> dict[Any, Tensor]:
    return {name: value.detach().clone() for name, value in _places(state).items()}
