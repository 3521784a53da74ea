"""The data of a report: a run's log, its results, and the features of one trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl import geometry
from graph_hcl.config import Config
from graph_hcl.experiment import Experiment, make_experiment
from graph_hcl.losses.objective import Epoch, as_objective
from graph_hcl.nn import ContrastiveModel
from graph_hcl.plot.curves import finite_number
from graph_hcl.probes import Part
from graph_hcl.reproducible import deterministic
from graph_hcl.results import Comparison
from graph_hcl.results_file import read_results
from graph_hcl.run import Run
from graph_hcl.spec import ModelSpec
from graph_hcl.trainer import Trainer
from graph_hcl.training.finite import EmbeddingsNotFinite

MAX_ROWS = 1000
"""Largest number of rows whose pairs are compared; of more graphs, every k-th is taken."""


@dataclass(frozen=True)
class EmbeddingSnapshot:
    """Features of one trained model of a run, on its held-out graphs or on all graphs [G].

    `z` [G, d] are projected and normalised features, `embeddings` [G, D] the input of the probe;
    `graphs` are the graphs' indices in the data set, and `description` says which graphs they are.
    `views` are features [M, d], graph [M] and label [M], None without classes, of up to `MAX_ROWS`
    augmented views. `training` are features and labels of the training graphs, if they are not
    among these.
    """

    z: Tensor
    embeddings: np.ndarray
    labels: Tensor
    graphs: np.ndarray
    description: str
    views: tuple[Tensor, Tensor, Tensor | None]
    training: tuple[Tensor, Tensor] | None

    @cached_property
    def class_spectrum(self) -> Tensor:
        """Singular values of the covariance of the class means."""
        return geometry.class_mean_spectrum(self.z, self.labels)


@dataclass(frozen=True)
class Contrast:
    """The contrast of an objective, with defaults where the objective does not define it.

    Temperature, hardening as log η of the logits (None if the objective uses none; figures then
    use η = e^s), positives ("label" or "views"), negatives ("label" or "all"), and whether nodes
    are contrasted with graphs.
    """

    temperature: float = 0.5
    hardening: Any = None
    positives: str = "views"
    negatives: str = "all"
    nodes: bool = False

    @classmethod
    def of(cls, objective: Any, records: Sequence[Mapping[str, Any]] = ()) -> Contrast:
        """Return the contrast of an objective at the end of the training that was logged."""
        as_objective(objective).on_epoch(Epoch(2, 2))
        temperature = getattr(objective, "temperature", cls.temperature)
        if getattr(objective, "auto_temperature", False):
            logged = [found for r in records if (found := finite_number(r.get("temperature")))]
            temperature = logged[-1] if logged else temperature
        return cls(
            temperature,
            getattr(objective, "hardening", None),
            getattr(objective, "positives", cls.positives),
            getattr(objective, "negatives", cls.negatives),
            as_objective(objective).tags.nodes,
        )


@dataclass(frozen=True)
class RunSummary:
    """A run as the report shows it.

    `results` are the comparisons of trained and untrained encoder by probe. `contrast` is that of
    the objective at the end of training. `space` is None if the first model has no epoch yet, if
    its embeddings are not finite. `labels` are those of all labelled graphs, 0 where they are no
    classes, empty if there are none; `unfinished` describes the missing training, empty if there is
    none. `class_names` are the names of the classes, of which labels are positions, empty where
    these are the user's own; `tasks` are the names of several targets, and `ids` those of graphs.
    """

    name: str
    config: Config
    labels: Tensor
    records: list[dict[str, Any]]
    results: dict[str, Comparison]
    contrast: Contrast
    space: EmbeddingSnapshot | None
    unfinished: str
    class_names: Sequence[str] = ()
    tasks: Sequence[str] = ()
    ids: Sequence[str] | None = None

    @property
    def marked_name(self) -> str:
        """The name, marked if the run is unfinished or has no scores."""
        if self.unfinished:
            return f"{self.name} (unfinished)"
        if not self.labelled:
            return f"{self.name} (no labels)"
        return self.name if self.results else f"{self.name} (not evaluated)"

    @property
    def labelled(self) -> bool:
        """Whether the graphs have labels; without them, there are no scores."""
        return len(self.labels) > 0

    @property
    def is_empty(self) -> bool:
        """Whether the run has no records, results or features."""
        return not (self.records or self.results or self.space)

    @property
    def classes(self) -> int:
        """Number of classes of the data set."""
        return len(self.labels.unique())

    @property
    def same_class_share(self) -> float:
        """Share of all pairs of graphs that have the same class."""
        count = torch.bincount(self.labels.unique(return_inverse=True)[1]).double()
        total = float(count.sum())
        return float((count * (count - 1)).sum()) / (total * (total - 1))


def read_run(
    path: str | Path,
    name: str,
    allow_changed_data: bool = False,
    trust_code: bool = False,
    **overrides: Any,
) -> RunSummary:
    """Return the run in a folder; `overrides` replace its settings.

    They are dataset, mirror, data_dir and device.

    Raises `UserError` for a folder that is not a run, for damaged results, and for changed data
    unless allowed.
    """
    run = Run.open(path, allow_changed_data, trust_code=trust_code, **overrides)
    run.check_place()
    results = read_results(run.folder.results_path).comparisons()
    with deterministic(run.config.deterministic):
        experiment = make_experiment(run.config)
        config, parts = experiment.config, experiment.parts()
        records = run.folder.metrics()
        epochs = [run.epoch(part.name) for part in parts]
        for part, epoch in zip(parts, epochs, strict=True):
            if epoch:
                run.check_same_data(part.name, experiment.trainer.spec.data_sha256)
        space = None
        if epochs[0] or not config.epochs:
            space = read_snapshot(experiment, run, parts[0])
    return RunSummary(
        name,
        config,
        _labels(experiment),
        records,
        results,
        Contrast.of(experiment.trainer.new_objective(), records),
        space,
        _unfinished(epochs, config.epochs),
        experiment.store.classes,
        experiment.store.tasks,
        experiment.store.ids,
    )


def _unfinished(epochs: list[int], total: int) -> str:
    """Return the progress of an unfinished run in words; empty if all models are trained."""
    done = sum(epoch >= total for epoch in epochs)
    if done == len(epochs):
        return ""
    if len(epochs) == 1:
        return f"{epochs[0]} of {total} epochs are finished."
    return (
        f"{done} of {len(epochs)} models have finished their {total} epochs; "
        f"the first has finished {epochs[0]}."
    )


def _labels(experiment: Experiment) -> Tensor:
    """Return the labels of the labelled graphs, empty without any; 0 of what is no class."""
    targets = experiment.targets
    if not targets.labelled:
        return torch.empty(0)
    classes = targets.values[targets.rows] if targets.has_classes else np.zeros(len(targets), int)
    return torch.from_numpy(classes)


def read_snapshot(experiment: Experiment, run: Run, part: Part) -> EmbeddingSnapshot | None:
    """Return the features of a part's model on its held-out graphs.

    Without held-out graphs they are of all graphs. Returns None if they are not finite.
    """
    trainer, targets, epoch = experiment.trainer, experiment.targets, run.epoch(part.name)
    # Graphs without classes are compared as if each were one of its own, as in training.
    has_classes = targets.labelled and targets.has_classes
    own = targets.values if has_classes else np.arange(len(targets))
    labels = torch.from_numpy(own)
    spec = run.spec_of(part, trainer)
    model = run.model(part.name) if epoch else trainer.model(part.seed, spec)
    try:
        z = torch.from_numpy(trainer.embed(model, spec, projected=True))
        embeddings = trainer.embed(model, spec)
    except EmbeddingsNotFinite:
        return None
    description, training = "all graphs", None
    chosen = targets.rows if targets.labelled else np.arange(len(targets))
    held_out = experiment.protocol.held_out(targets, part)
    if len(held_out):
        description, chosen = f"the held-out graphs of fold {part.fold}", held_out
        training = z[part.train], labels[part.train]
    description = f"{description} (seed {part.seed}, epoch {epoch})"
    graphs, views = _views(trainer, model, spec, chosen)
    return EmbeddingSnapshot(
        z[chosen],
        embeddings[chosen],
        labels[chosen],
        chosen,
        description,
        (views, graphs, labels[graphs] if has_classes else None),
        training,
    )


@torch.no_grad()
def _views(
    trainer: Trainer, model: ContrastiveModel, spec: ModelSpec, chosen: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Return graph [M] and features [M, d] of views of a subset of the chosen graphs."""
    count = max(2, MAX_ROWS // len(trainer.sampler.views))
    subset = torch.from_numpy(chosen[:: -(-len(chosen) // count)])
    generator = torch.Generator(trainer.device).manual_seed(trainer.config.seed)
    store = spec.prepare(trainer.store)
    (drawn,) = trainer.sampler(store, [subset.to(trainer.device)], generator)
    model.to(trainer.device).eval()
    z = torch.cat([view.features(model) for view in drawn])
    return subset.repeat(len(trainer.sampler.views)), z.cpu()
