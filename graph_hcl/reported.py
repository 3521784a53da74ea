"""What a report needs of a run: its log, its results, and its features where it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from graph_hcl.cli import config_from
from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.experiment import Experiment
from graph_hcl.training import RunFolder, embed


@dataclass(frozen=True)
class Space:
    """Features of the graphs that one trained model of a run is looked at on.

    `z` [G, d] are projected and normalised as the loss saw them, `embeddings` [G, D] are what the
    probe saw, `which` says in words whose they are. `fitted` are features and labels of the graphs
    that the model was trained on, where those are others.
    """

    z: torch.Tensor
    embeddings: np.ndarray
    labels: np.ndarray
    which: str
    fitted: tuple[torch.Tensor, np.ndarray] | None


@dataclass(frozen=True)
class Reported:
    """A run as the report shows it; `space` is None while it is not trained to its end."""

    name: str
    config: Config
    records: list[dict[str, Any]]
    results: dict[str, Any]
    objective: Any
    space: Space | None

    @property
    def classes(self) -> int:
        """Number of classes among the graphs looked at, or 2 before there are any."""
        return 2 if self.space is None else len(np.unique(self.space.labels))


def read_run(path: str, name: str) -> Reported:
    """Return the run in a folder.

    Raises `UserError` for a folder that is no run, or one without a finished epoch.
    """
    folder = RunFolder.open(path)
    experiment = Experiment(config_from(folder.config_path))
    records = folder.metrics()
    if not records:
        raise UserError(
            f"The run {path} has no finished epoch yet: go on with graph_hcl.train --resume {path}."
        )
    try:
        experiment.check_trained(folder)
    except UserError:
        space = None
    else:
        space = _space(experiment, folder)
    objective = experiment.new_objective()
    anneal = getattr(objective, "anneal", None)
    if callable(anneal):
        anneal(1.0)
    return Reported(name, experiment.config, records, folder.results(), objective, space)


def _space(experiment: Experiment, folder: RunFolder) -> Space:
    """Return the space of the run's first model: of the graphs it was not trained on, if any."""
    config, labels = experiment.config, experiment.labels
    model = experiment.model(config.seed)
    folder.checkpoint(experiment.parts()[0]).load(model)
    z = torch.from_numpy(embed(model, experiment.store, experiment.device, projected=True))
    embeddings = embed(model, experiment.store, experiment.device)
    if config.protocol == "transductive":
        return Space(z, embeddings, labels, f"all graphs, seed {config.seed}", None)
    fold = experiment.folds(config.seed)[0]
    return Space(
        z[fold.test],
        embeddings[fold.test],
        labels[fold.test],
        f"the held-out graphs of fold 0, seed {config.seed}",
        (z[fold.train], labels[fold.train]),
    )
