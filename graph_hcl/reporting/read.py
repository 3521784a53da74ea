"""What a report needs of a run: its log, its results, and the features of one trained model."""

from __future__ import annotations

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
from graph_hcl.probes import Part
from graph_hcl.reporting.check import epochs_of
from graph_hcl.results import Comparison
from graph_hcl.results_file import read_results
from graph_hcl.run import Run
from graph_hcl.spec import ModelSpec
from graph_hcl.trainer import Trainer

ROWS = 1000
"""Rows of views of which all pairs are looked at; graphs beyond them are thinned out evenly."""


@dataclass(frozen=True)
class EmbeddingSnapshot:
    """Features of the graphs [G] that one trained model of a run is looked at on.

    `z` [G, d] are projected and normalised, `embeddings` [G, D] are what the probe sees; `graphs`
    are their numbers in the data set and `which` says in words whose they are. `views` are
    features [M, d], graph [M] and label [M] of views as the loss sees them, of at most `ROWS` rows.
    `fitted` are features and labels of the graphs that the model was trained on, where those are
    others.
    """

    z: Tensor
    embeddings: np.ndarray
    labels: Tensor
    graphs: np.ndarray
    which: str
    views: tuple[Tensor, Tensor, Tensor]
    fitted: tuple[Tensor, Tensor] | None

    @cached_property
    def class_spectrum(self) -> Tensor:
        """Singular values of the covariance of the class means."""
        return geometry.class_mean_spectrum(self.z, self.labels)


@dataclass(frozen=True)
class Contrast:
    """What an objective compares features by, as far as it tells.

    Temperature, hardening as log η of the logits (None for η = e^s, which it does not use), which
    rows are positives ("label" or "views") and negatives ("label" or "all"), and whether it
    contrasts nodes with graphs.
    """

    temperature: float = 0.5
    hardening: Any = None
    positives: str = "views"
    negatives: str = "all"
    nodes: bool = False

    @classmethod
    def of(cls, objective: Any) -> Contrast:
        """Return what an objective tells of itself at the end of its training."""
        as_objective(objective).on_epoch(Epoch(2, 2))
        return cls(
            getattr(objective, "temperature", cls.temperature),
            getattr(objective, "hardening", None),
            getattr(objective, "positives", cls.positives),
            getattr(objective, "negatives", cls.negatives),
            as_objective(objective).tags.nodes,
        )


@dataclass(frozen=True)
class RunSummary:
    """A run as the report shows it.

    `results` are the comparisons of both encoders by probe. `contrast` is what the objective
    compares features by, at the end of the training. `space` is None before the first model has an
    epoch, where that model's embeddings are not finite, and without labels. `labels` [G] are those
    of the whole data set, empty if it has none; `unfinished` says in words what is missing.
    """

    name: str
    config: Config
    labels: Tensor
    records: list[dict[str, Any]]
    results: dict[str, Comparison]
    contrast: Contrast
    space: EmbeddingSnapshot | None
    unfinished: str

    @property
    def marked_name(self) -> str:
        """The name, marked where the run is unfinished or has no scores."""
        if self.unfinished:
            return f"{self.name} (unfinished)"
        if not self.labelled:
            return f"{self.name} (no labels)"
        return self.name if self.results else f"{self.name} (not evaluated)"

    @property
    def labelled(self) -> bool:
        """Whether the graphs have labels; without, there are loss curves alone."""
        return len(self.labels) > 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show but settings."""
        return not (self.records or self.results or self.space)

    @property
    def classes(self) -> int:
        """Number of classes of the data set."""
        return len(self.labels.unique())

    @property
    def same_class_share(self) -> float:
        """Share of all pairs of graphs that are of one class."""
        count = torch.bincount(self.labels.unique(return_inverse=True)[1]).double()
        total = float(count.sum())
        return float((count * (count - 1)).sum()) / (total * (total - 1))


def read_run(
    path: str | Path, name: str, allow_changed_data: bool = False, **overrides: Any
) -> RunSummary:
    """Return the run in a folder; `overrides` (mirror, data_dir, device) replace its settings.

    Raises `UserError` for a folder that is no run, whose results are damaged, or whose data changed
    unless that is allowed.
    """
    run = Run.open(path, allow_changed_data, **overrides)
    results = read_results(run.folder.results_path).comparisons()
    experiment = make_experiment(run.config)
    config, parts = experiment.config, experiment.parts()
    epochs = [run.epoch(part.name) for part in parts]
    for part, epoch in zip(parts, epochs, strict=True):
        if epoch:
            run.check_same_data(part.name, experiment.trainer.spec.data_sha256)
    space = None
    if experiment.targets.labelled and (epochs[0] or not config.epochs):
        space = read_snapshot(experiment, run, parts[0])
    return RunSummary(
        name,
        config,
        _labels(experiment),
        epochs_of(run.folder.metrics()),
        results,
        Contrast.of(experiment.trainer.new_objective()),
        space,
        _unfinished(epochs, config.epochs),
    )


def _unfinished(epochs: list[int], wanted: int) -> str:
    """Return in words how far the models of a run are; nothing where all are trained."""
    done = sum(epoch >= wanted for epoch in epochs)
    if done == len(epochs):
        return ""
    if len(epochs) == 1:
        return f"{epochs[0]} of {wanted} epochs are trained."
    return (
        f"{done} of {len(epochs)} models are trained to their {wanted} epochs; "
        f"the first has {epochs[0]}."
    )


def _labels(experiment: Experiment) -> Tensor:
    """Return the labels [G] in their own values, none for graphs without."""
    targets = experiment.targets
    return torch.from_numpy(targets.values) if targets.labelled else torch.empty(0)


def read_snapshot(experiment: Experiment, run: Run, part: Part) -> EmbeddingSnapshot | None:
    """Return the features by a part's model of the graphs that it was not trained on, if any.

    They are of all graphs where it was trained on all. Returns None where they are not finite.
    """
    trainer, labels, epoch = experiment.trainer, _labels(experiment), run.epoch(part.name)
    spec = run.spec_of(part, trainer)
    model = run.model(part.name) if epoch else trainer.model(part.seed, spec)
    z = torch.from_numpy(trainer.embed(model, spec, projected=True))
    embeddings = trainer.embed(model, spec)
    if not (z.isfinite().all() and np.isfinite(embeddings).all()):
        return None
    which, chosen, fitted = "all graphs", np.arange(len(labels)), None
    held_out = experiment.protocol.held_out(experiment.targets, part)
    if len(held_out):
        which, chosen = f"the held-out graphs of fold {part.fold}", held_out
        fitted = z[part.train], labels[part.train]
    which = f"{which} (seed {part.seed}, epoch {epoch})"
    graphs, views = _views(trainer, model, spec, chosen)
    return EmbeddingSnapshot(
        z[chosen],
        embeddings[chosen],
        labels[chosen],
        chosen,
        which,
        (views, graphs, labels[graphs]),
        fitted,
    )


@torch.no_grad()
def _views(
    trainer: Trainer, model: ContrastiveModel, spec: ModelSpec, chosen: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Return graph [M] and features [M, d] of the run's own views of some of the graphs."""
    count = max(2, ROWS // len(trainer.sampler.views))
    some = torch.from_numpy(chosen[:: -(-len(chosen) // count)])
    generator = torch.Generator(trainer.device).manual_seed(trainer.config.seed)
    store = spec.prepare(trainer.store)
    (drawn,) = trainer.sampler(store, [some.to(trainer.device)], generator)
    model.to(trainer.device).eval()
    z = torch.cat([view.features(model) for view in drawn])
    return some.repeat(len(trainer.sampler.views)), z.cpu()
