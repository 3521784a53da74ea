"""What a benchmark measures of its models in place of a probe's scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from graph_hcl.errors import UserError
from graph_hcl.experiment import Experiment
from graph_hcl.nn import ContrastiveNetwork
from graph_hcl.probes import Part
from graph_hcl.registry import Registry
from graph_hcl.spec import ModelSpec
from graph_hcl.training.state import BatchFeatures


@dataclass(frozen=True)
class ModelSnapshot:
    """The model of a part after an epoch of its training; epoch 0 is before it.

    `final` tells whether the epoch is the trial's last. `batch` holds the features of the epoch's
    largest batch; None before training.
    """

    experiment: Experiment
    part: Part
    model: ContrastiveNetwork
    spec: ModelSpec
    epoch: int
    final: bool
    batch: BatchFeatures | None = None


class Measurement(ABC):
    """Subclass it and name the class in a method's field `measure`, as `package.module:Class`."""

    def parts(self, experiment: Experiment, seed: int) -> list[Part]:
        """Return the models to train for a seed; by default those of the protocol."""
        return experiment.parts(seed)

    @abstractmethod
    def measure(self, snapshot: ModelSnapshot) -> dict[str, Any]:
        """Return what is measured at a snapshot, as values that JSON takes."""


MEASUREMENTS: Registry[type[Measurement]] = Registry("measurement")


def find_measurement(path: str) -> Measurement:
    """Return the measurement at an import path `package.module:Class`.

    Raises `UserError` for a path that names no subclass of `Measurement`.

    >>> find_measurement("graph_hcl.losses:UCL")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected 'graph_hcl.losses:UCL' to be a subclass of \
graph_hcl.benchmarking.measurement.Measurement, but got UCL: derive it from there.
    """
    kind: Any = MEASUREMENTS.get(path)
    if not (isinstance(kind, type) and issubclass(kind, Measurement)):
        raise UserError(
            f"Expected '{path}' to be a subclass of graph_hcl.benchmarking.measurement.Measurement,"
            f" but got {getattr(kind, '__name__', kind)}: derive it from there."
        )
    return kind()
