"""What a report needs of a run: its log, its results, and the features of one trained model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl import augment, geometry
from graph_hcl.cli import config_from
from graph_hcl.config import Config
from graph_hcl.data import GraphStore
from graph_hcl.experiment import Experiment
from graph_hcl.nn import ContrastiveModel
from graph_hcl.reporting.check import check_results, epochs_of
from graph_hcl.training import RunFolder

ROWS = 1000
"""Rows of views of which all pairs are looked at; graphs beyond them are thinned out evenly."""


@dataclass(frozen=True)
class Space:
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
class Run:
    """A run as the report shows it.

    `space` is None before its first model has an epoch, where that model's embeddings are not
    finite, and without labels. `labels` [G] are those of the whole data set, empty if it has none;
    `unfinished` says what is missing, in words.
    """

    name: str
    config: Config
    labels: Tensor
    records: list[dict[str, Any]]
    results: dict[str, Any]
    objective: Any
    space: Space | None
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


def read_run(path: str, name: str, allow_changed_data: bool = False, **given: Any) -> Run:
    """Return the run in a folder; `given` settings (mirror, data_dir, device) replace its own.

    Raises `UserError` for a folder that is no run, whose results are damaged, or whose data changed
    unless that is allowed.
    """
    folder = RunFolder.open(path)
    config = config_from(folder.config_path)
    config = dataclasses.replace(config, **{k: v for k, v in given.items() if v is not None})
    experiment = Experiment(config, allow_changed_data)
    config, records, results = experiment.config, epochs_of(folder.metrics()), folder.results()
    check_results(results, path)
    objective = experiment.new_objective()
    anneal = getattr(objective, "anneal", None)
    if callable(anneal):
        anneal(1.0)
    epochs = [experiment.checkpoint(folder, part)[0].epoch() for part in experiment.parts()]
    done = sum(epoch >= config.epochs for epoch in epochs)
    unfinished = ""
    if done < len(epochs):
        unfinished = (
            f"{done} of {len(epochs)} models are trained to their {config.epochs} epochs; "
            f"the first has {epochs[0]}."
            if len(epochs) > 1
            else f"{epochs[0]} of {config.epochs} epochs are trained."
        )
    space = None
    if experiment.labelled and (epochs[0] or not config.epochs):
        space = _space(experiment, folder, epochs[0])
    labels = torch.from_numpy(experiment.labels)
    return Run(name, config, labels, records, results, objective, space, unfinished)


def _space(experiment: Experiment, folder: RunFolder, epoch: int) -> Space | None:
    """Return the space of the run's first model: of the graphs it was not trained on, if any.

    There is none where embeddings are not finite.
    """
    config, labels = experiment.config, torch.from_numpy(experiment.labels)
    checkpoint, spec = experiment.checkpoint(folder, experiment.parts()[0])
    model = experiment.model(config.seed, spec)
    if epoch:
        checkpoint.load(model)
    z = torch.from_numpy(experiment.embed(model, spec, projected=True))
    embeddings = experiment.embed(model, spec)
    if not (z.isfinite().all() and np.isfinite(embeddings).all()):
        return None
    which, chosen, fitted = "all graphs", np.arange(len(labels)), None
    part = experiment.parts()[0]
    held_out = experiment.protocol.held_out(experiment.targets, part)
    if len(held_out):
        which, chosen = f"the held-out graphs of fold {part.fold}", held_out
        fitted = z[part.train], labels[part.train]
    which = f"{which} (seed {config.seed}, epoch {epoch})"
    views = _views(experiment, spec.prepare(experiment.store), model, chosen)
    return Space(z[chosen], embeddings[chosen], labels[chosen], chosen, which, views, fitted)


@torch.no_grad()
def _views(
    experiment: Experiment, store: GraphStore, model: ContrastiveModel, chosen: np.ndarray
) -> tuple[Tensor, Tensor, Tensor]:
    """Return features, graph and label of the run's own views of some of the graphs."""
    count = max(2, ROWS // len(experiment.views))
    some = torch.from_numpy(chosen[:: -(-len(chosen) // count)])
    generator = torch.Generator(experiment.device).manual_seed(experiment.config.seed)
    draw = augment.views(experiment.views, together=not experiment.config.encoder.per_view)
    (drawn,) = draw(store, [some.to(experiment.device)], generator)
    z = torch.cat([model.to(experiment.device).eval()(view) for view in drawn])
    graph = some.repeat(len(experiment.views))
    return z.cpu(), graph, torch.from_numpy(experiment.labels)[graph]
