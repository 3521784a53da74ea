"""A config made concrete: graphs, objective, folds and encoders; trained, embedded, measured."""

from __future__ import annotations

import dataclasses
import inspect
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from graph_hcl import augment, losses, probes
from graph_hcl.config import Config
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone, width
from graph_hcl.training import RunFolder, TrainingSettings, embed, fit, set_seed


def find_device(name: str) -> torch.device:
    """Return the torch device called `name`; `auto` is CUDA where there is one, else the CPU.

    Raises `UserError` for a device that is not there.

    >>> find_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"Expected --device to be one of this machine, got '{name}': {reason}"
        ) from error
    return device


def make_objective(config: Config) -> tuple[nn.Module, Config]:
    """Return the objective, and the config with every value that the objective took by default.

    Raises `UserError` for a setting that the objective does not take: it would have no effect.

    >>> objective, completed = make_objective(Config(objective="ucl"))
    >>> completed.temperature, completed.beta
    (0.5, None)
    """
    make = losses.OBJECTIVES.get(config.objective)
    accepted = inspect.signature(make).parameters
    general = {"beta": config.beta, "temperature": config.temperature}
    special = dataclasses.asdict(config.loss)
    for name, value in (general | special).items():
        if value is not None and name not in accepted:
            flag = name if name in general else f"loss.{name}"
            raise UserError(
                f"The objective '{config.objective}' takes no --{flag.replace('_', '-')}: leave it "
                "out, or choose an objective that does."
            )
    given = {k: v for k, v in (general | special).items() if v is not None}
    try:
        objective = make(**given)
    except (TypeError, ValueError) as error:
        raise UserError(f"The objective '{config.objective}': {error}") from error
    defaults = {k: p.default for k, p in accepted.items() if p.default is not p.empty}
    taken = {name: defaults.get(name) for name in general | special} | given
    completed = dataclasses.replace(
        config,
        beta=taken["beta"],
        temperature=taken["temperature"],
        loss=dataclasses.replace(config.loss, **{name: taken[name] for name in special}),
    )
    return objective, completed


def make_model(config: Config, store: GraphStore) -> ContrastiveModel:
    """Return the encoder with its projection head for the features of `store`, newly initialised.

    Raises `UserError` when the backbone cannot be built.
    """
    parts = config.encoder
    backbone = make_backbone(
        config.backbone,
        store.num_features,
        config.hidden,
        config.layers,
        jk=parts.jk,
        norm=parts.norm,
        act=parts.act,
        dropout=parts.dropout,
        degrees=lambda: degree_histogram(store),
        options=parts.options,
    )
    encoder = GraphEncoder(backbone, width(backbone, store.num_features), parts.readout)
    head = config.projection
    return ContrastiveModel(encoder, head.layers, head.dim, head.normalize)


def degree_histogram(store: GraphStore) -> torch.Tensor:
    """Return how many nodes have in-degree 0, 1, 2, … [max degree + 1]."""
    sizes = store.edge_ptr.diff()
    target = store.edge_index[1] + store.node_ptr[:-1].repeat_interleave(sizes)
    degree = torch.bincount(target, minlength=int(store.node_ptr[-1]))
    return torch.bincount(degree)


@dataclass(frozen=True)
class Comparison:
    """One probe's findings: the trained encoder, the same one untrained, the majority class."""

    trained: list[probes.Evaluation]
    untrained: list[probes.Evaluation]
    majority: float
    train_seconds: float
    evaluate_seconds: float


class Experiment:
    """Graphs, objective, views and folds of a config, checked before anything is written.

    Raises `UserError` for every mistake of the config or the data that can be told in advance.

    >>> experiment = Experiment(Config(dataset="MUTAG", epochs=1))
    >>> len(experiment.store), experiment.config.protocol
    (188, 'transductive')
    """

    def __init__(self, config: Config) -> None:
        self.objective, config = make_objective(config)
        labelled = getattr(self.objective, "uses_labels", False)
        protocol: Any = probes.resolve_protocol(config.protocol, labelled)
        self.config = dataclasses.replace(config, protocol=protocol)
        self.device = find_device(config.device)
        self.views = [augment.parse(view) for view in config.views]
        probes.PROBES.get(config.probe.name)
        store = load_graphs(config)
        if store.y is None:
            raise UserError(f"{config.dataset} has no labels, so there is nothing to evaluate.")
        self.labels: np.ndarray = store.y.cpu().numpy()
        self.folds(config.seed)
        self.store = store.to(self.device)

    def folds(self, seed: int) -> list[probes.Fold]:
        """Return the outer folds of a repetition; with a validation part when inductive."""
        probe, inductive = self.config.probe, self.config.protocol == "inductive"
        if probe.splits is not None:
            if not inductive:
                raise UserError("Expected --protocol inductive with --probe.splits.")
            return probes.read_splits(probe.splits, len(self.labels))
        validation = probe.validation if inductive else 0.0
        return probes.stratified_folds(
            self.labels, folds=probe.folds, seed=seed, validation=validation
        )

    def model(self, seed: int) -> ContrastiveModel:
        """Return the untrained model of a seed."""
        set_seed(seed)
        return make_model(self.config, self.store)

    def train(
        self, folder: RunFolder, part: str, seed: int, indices: np.ndarray, show: bool
    ) -> ContrastiveModel:
        """Return the trained model of a part, going on from its checkpoint if there is one."""
        config, model = self.config, self.model(seed)
        settings = TrainingSettings(
            config.epochs,
            config.batch_size,
            config.optimizer.lr,
            config.optimizer.weight_decay,
            seed,
        )
        checkpoint = folder.checkpoint(part)
        folder.forget_metrics_after(part, checkpoint.epoch())
        fit(
            model,
            self.objective,
            [augment.view(augmentation) for augmentation in self.views],
            self.store,
            torch.from_numpy(indices).to(self.device),
            settings,
            device=self.device,
            checkpoint=checkpoint,
            log=lambda record: folder.log({"part": part} | record),
            progress=part if show else None,
        )
        return model

    def parts(self) -> list[str]:
        """Return the names of all models that the run trains."""
        seeds = [f"seed{self.config.seed + number}" for number in range(self.config.repeats)]
        if self.config.protocol == "transductive":
            return seeds
        return [f"{seed}-fold{k}" for seed in seeds for k in range(len(self.folds(0)))]

    def check_trained(self, folder: RunFolder) -> None:
        """Raise `UserError` unless every part of the run is trained to its last epoch."""
        for part in self.parts():
            done = folder.checkpoint(part).epoch()
            if done < self.config.epochs:
                raise UserError(
                    f"The run is not finished ({part} has {done} of {self.config.epochs} epochs): "
                    f"go on with graph_hcl.train --resume {folder.path}."
                )

    def embed(self, model: ContrastiveModel) -> np.ndarray:
        """Return the frozen embeddings [G, D] of all graphs."""
        return embed(model, self.store, self.device)

    def run(self, folder: RunFolder, show: bool = True) -> Comparison:
        """Train what is not trained yet, then measure the trained and the untrained encoder."""
        trained, untrained, evaluating = [], [], 0.0
        for seed in range(self.config.seed, self.config.seed + self.config.repeats):
            raw = self.embed(self.model(seed))
            if self.config.protocol == "transductive":
                model = self.train(folder, f"seed{seed}", seed, np.arange(len(self.labels)), show)
                found = [self.embed(model)]
            else:
                found = [
                    self.embed(self.train(folder, f"seed{seed}-fold{k}", seed, fold.train, show))
                    for k, fold in enumerate(self.folds(seed))
                ]
            start = time.perf_counter()
            trained.append(self.measure(found, seed))
            untrained.append(self.measure([raw] * len(found), seed))
            evaluating += time.perf_counter() - start
        return Comparison(
            trained,
            untrained,
            probes.majority_accuracy(self.labels),
            sum(record["seconds"] for record in folder.metrics()),
            evaluating,
        )

    def measure(self, embeddings: list[np.ndarray], seed: int) -> probes.Evaluation:
        """Return the protocol's evaluation of one matrix, or of one per fold when inductive."""
        probe = self.config.probe
        if self.config.protocol == "transductive":
            return probes.transductive(
                embeddings[0],
                self.labels,
                probe=probe.name,
                folds=probe.folds,
                seed=seed,
                jobs=probe.jobs,
            )
        return probes.inductive(
            lambda number, fold: embeddings[number],
            self.labels,
            folds=self.folds(seed),
            probe=probe.name,
            seed=seed,
            jobs=probe.jobs,
        )


def load_graphs(config: Config) -> GraphStore:
    """Return the graphs that the config names."""
    return load(
        config.dataset,
        data_dir=config.data_dir,
        mirror=config.mirror,
        node_attributes=config.data.node_attributes,
    )
