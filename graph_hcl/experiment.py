"""A config made concrete and carried out: checked, trained, embedded, measured."""

from __future__ import annotations

import dataclasses
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from graph_hcl import augment, probes
from graph_hcl.config import Config
from graph_hcl.data import GraphStore
from graph_hcl.data.vocabulary import Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.factory import (
    check_counted,
    degree_histogram,
    describe_model,
    find_device,
    load_graphs,
    make_model,
    make_objective,
)
from graph_hcl.nn import ContrastiveModel, check_independent
from graph_hcl.probes import Part
from graph_hcl.progress import Progress
from graph_hcl.settings import with_absolute_paths
from graph_hcl.spec import ModelSpec, check_same_data, name_unread, read_spec
from graph_hcl.training import (
    Checkpoint,
    RunFolder,
    TrainingSettings,
    diagnose,
    embed,
    fit,
    set_seed,
)


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

    `allow_changed_data` lets parts that were trained on other data pass. Raises `UserError` for
    every mistake of the config or the data that can be told in advance.

    >>> experiment = Experiment(Config(dataset="MUTAG", epochs=1))
    >>> len(experiment.store), experiment.config.protocol
    (188, 'transductive')
    """

    def __init__(self, config: Config, allow_changed_data: bool = False) -> None:
        objective, config = make_objective(config)
        labelled = getattr(objective, "uses_labels", False)
        name: Any = probes.resolve_protocol(config.protocol, labelled)
        self.config = with_absolute_paths(dataclasses.replace(config, protocol=name))
        self.protocol = _make_protocol(self.config)
        self.allow_changed_data = allow_changed_data
        self.device = find_device(config.device)
        self.views = [augment.parse(view) for view in config.views]
        probes.PROBES.get(config.probe.name)
        store = load_graphs(config)
        if store.y is None and not self.protocol.trains_on_test_graphs:
            raise UserError(
                f"{config.dataset} has no labels: take an objective that reads none, such as "
                "h-ucl, and the transductive protocol."
            )
        self.labels: np.ndarray = np.empty(0) if store.y is None else store.y.cpu().numpy()
        unlabelled = probes.Targets.unlabelled(len(store))
        self.targets = unlabelled if store.y is None else probes.Targets.of(self.labels)
        if store.y is not None:
            self.check_evaluation()
        names = torch.arange(len(store))  # in place of labels that nobody reads
        check_counted(objective, len(config.views), names if store.y is None else store.y)
        self.store = numbered_classes(store).to(self.device)
        self.spec = describe_model(self.config, self.store, self.store.num_classes)
        model = self.model(config.seed)
        if unread := name_unread(self.store, self.spec, config.backbone):
            warnings.warn(unread, stacklevel=2)
        if ":" in config.backbone:
            check_independent(model.encoder.to(self.device), self.store.batch(slice(8)))

    @property
    def labelled(self) -> bool:
        """Whether the graphs have labels; without, a run trains and measures nothing."""
        return len(self.labels) > 0

    def check_evaluation(self) -> None:
        """Raise `UserError` for what would stop the evaluation, before anything is trained."""
        config, probe = self.config, self.config.probe
        if not self.labelled:
            raise UserError(f"{config.dataset} has no labels, so there is nothing to evaluate.")
        seeds = range(config.seed, config.seed + config.repeats)
        self.protocol.check(self.targets, probe.name, seeds, probe.jobs)

    def parts(self, seed: int | None = None) -> list[Part]:
        """Return the models that the run trains, or those of one seed."""
        if seed is None:
            first, count = self.config.seed, self.config.repeats
            return [part for each in range(first, first + count) for part in self.parts(each)]
        return self.protocol.parts(self.targets, seed)

    def model(self, seed: int, spec: ModelSpec | None = None) -> ContrastiveModel:
        """Return the untrained model of a seed; `spec` is that of all graphs unless given."""
        set_seed(seed)
        return make_model(self.config, spec or self.spec)

    def new_objective(self) -> nn.Module:
        """Return the objective in its first state: what it remembers must not outlive a fold."""
        return make_objective(self.config)[0]

    def describe(self, part: Part) -> ModelSpec:
        """Return the description of a part's model: scales and degrees are of its own graphs."""
        spec = self.spec
        if spec.degrees is not None:
            own = degree_histogram(self.store[torch.from_numpy(part.train)])
            spec = dataclasses.replace(spec, degrees=tuple(own))
        if not self.config.data.standardize:
            return spec
        fitted = self.store.fitted(part.train).vocabulary
        edge = fitted.edge if spec.vocabulary.edge.columns else spec.vocabulary.edge
        return dataclasses.replace(spec, vocabulary=Vocabulary(fitted.node, edge))

    def checkpoint(self, folder: RunFolder, part: Part) -> tuple[Checkpoint, ModelSpec]:
        """Return the checkpoint of a part and the description that its model has or will have.

        Raises `UserError` for one that was trained on other data, unless that is allowed.
        """
        checkpoint = folder.checkpoint(part.name)
        if not checkpoint.epoch():
            spec = self.describe(part)
        else:
            spec = read_spec(checkpoint)
            if not self.allow_changed_data:
                check_same_data(self.spec.data_sha256, spec, f"{part.name} of {folder.path}")
        return folder.checkpoint(part.name, spec.to_json()), spec

    def fit(self, part: Part, spec: ModelSpec | None = None, **options: Any) -> ContrastiveModel:
        """Return the trained model of a part; `spec` is `describe`'s unless given."""
        config, spec = self.config, spec or self.describe(part)
        model = self.model(part.seed, spec)
        together = not (config.encoder.per_view or config.encoder.weight_noise)
        settings = TrainingSettings(
            config.epochs, config.batch_size, config.lr, config.weight_decay, part.seed
        )
        fit(
            model,
            self.new_objective(),
            augment.views(self.views, together=together),
            spec.prepare(self.store),
            torch.from_numpy(part.train).to(self.device),
            settings,
            device=self.device,
            **options,
        )
        return model

    def train(self, folder: RunFolder, part: Part, show: bool) -> ContrastiveModel:
        """Return the trained model of a part, going on from its checkpoint if there is one."""
        checkpoint, spec = self.checkpoint(folder, part)
        folder.forget_metrics_after(part.name, checkpoint.epoch())
        return self.fit(
            part,
            spec,
            checkpoint=checkpoint,
            diagnose=diagnose if self.config.diagnose else None,
            log=lambda record: folder.log({"part": part.name} | record),
            progress=part.name if show else None,
        )

    def check_trained(self, folder: RunFolder) -> None:
        """Raise `UserError` unless every part of the run is trained to its last epoch."""
        for part in self.parts():
            done = self.checkpoint(folder, part)[0].epoch()
            if done < self.config.epochs:
                raise UserError(
                    f"The run is not finished ({part.name} has {done} of {self.config.epochs} "
                    f"epochs): go on with graph_hcl.train --resume {folder.path}."
                )

    def embed(
        self, model: ContrastiveModel, spec: ModelSpec, projected: bool = False
    ) -> np.ndarray:
        """Return embeddings [G, D] of all graphs, or what the loss sees [G, d] when `projected`."""
        return embed(model, spec.prepare(self.store), self.device, projected)

    def trained(self, folder: RunFolder, seed: int, show: bool) -> list[np.ndarray]:
        """Return embeddings [G, D] by the trained encoder, one matrix per part of the seed.

        What is not trained yet, is.
        """
        return [
            self.embed(self.train(folder, part, show), self.checkpoint(folder, part)[1])
            for part in self.parts(seed)
        ]

    def untrained(self, seed: int) -> list[np.ndarray]:
        """Return the embeddings [G, D] by the same encoder before training, one per part."""
        found: dict[ModelSpec, np.ndarray] = {}
        specs = [self.describe(part) for part in self.parts(seed)]
        for spec in specs:
            if spec not in found:  # where nothing is scaled, all parts have the same
                found[spec] = self.embed(self.model(seed, spec), spec)
        return [found[spec] for spec in specs]

    def train_all(self, folder: RunFolder, show: bool = True) -> None:
        """Train every part of the run that is not trained yet, and measure nothing."""
        for part in self.parts():
            self.train(folder, part, show)

    def run(self, folder: RunFolder, show: bool = True) -> Comparison:
        """Train what is not trained yet, then measure the trained and the untrained encoder."""
        trained, untrained, evaluating = [], [], 0.0
        for seed in range(self.config.seed, self.config.seed + self.config.repeats):
            raw, learned = self.untrained(seed), self.trained(folder, seed, show)
            start = time.perf_counter()
            trained.append(self.measure(learned, seed, show))
            untrained.append(self.measure(raw, seed, show))
            evaluating += time.perf_counter() - start
        return Comparison(
            trained,
            untrained,
            probes.majority_accuracy(self.labels),
            sum(record["seconds"] for record in folder.metrics()),
            evaluating,
        )

    def measure(
        self,
        embeddings: list[np.ndarray],
        seed: int,
        show: bool = False,
        probe: probes.Probe | None = None,
    ) -> probes.Evaluation:
        """Return the protocol's evaluation of one matrix of embeddings per part of the seed.

        The probe is the config's unless given.
        """
        settings, count = self.config.probe, len(self.protocol.split(self.targets, seed))
        with Progress("evaluate", count, "fold", show=show) as bar:
            return self.protocol.evaluate(
                embeddings,
                self.targets,
                probe=probe or settings.name,
                seed=seed,
                jobs=settings.jobs,
                progress=lambda score: bar.update(),
            )


def _make_protocol(config: Config) -> probes.EvaluationProtocol:
    settings = dataclasses.asdict(config.probe)
    del settings["name"], settings["jobs"]
    return probes.make_protocol(config.protocol, **settings)


def numbered_classes(store: GraphStore) -> GraphStore:
    """Return the store with its labels, if any, as numbers 0, 1, … in their own order."""
    if store.y is None:
        return store
    return dataclasses.replace(store, y=store.y.unique(return_inverse=True)[1])
