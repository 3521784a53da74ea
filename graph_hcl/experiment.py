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
from tqdm import tqdm

from graph_hcl import augment, probes
from graph_hcl.build import find_device, load_graphs, make_model, make_objective
from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.nn import ContrastiveModel
from graph_hcl.training import RunFolder, TrainingSettings, diagnose, embed, fit, set_seed


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
        objective, config = make_objective(config)
        labelled = getattr(objective, "uses_labels", False)
        protocol: Any = probes.resolve_protocol(config.protocol, labelled)
        self.config = dataclasses.replace(config, protocol=protocol)
        self.device = find_device(config.device)
        self.views = [augment.parse(view) for view in config.views]
        probes.PROBES.get(config.probe.name)
        store = load_graphs(config)
        if store.y is None:
            raise UserError(f"{config.dataset} has no labels, so there is nothing to evaluate.")
        self.labels: np.ndarray = store.y.cpu().numpy()
        settings = dataclasses.asdict(config.probe)
        probes.check_evaluation(
            self.labels,
            protocol=protocol,
            probe=settings.pop("name"),
            seeds=range(config.seed, config.seed + config.repeats),
            **settings,
        )
        self.store = store.to(self.device)
        self.model(config.seed)

    def folds(self, seed: int) -> list[probes.Fold]:
        """Return the outer folds of a repetition; with a validation part when inductive."""
        probe = self.config.probe
        return probes.outer_folds(
            self.labels,
            protocol=self.config.protocol,
            folds=probe.folds,
            fraction=probe.fraction,
            validation=probe.validation,
            splits=probe.splits,
            seed=seed,
        )

    def model(self, seed: int) -> ContrastiveModel:
        """Return the untrained model of a seed."""
        set_seed(seed)
        return make_model(self.config, self.store)

    def new_objective(self) -> nn.Module:
        """Return the objective in its first state: what it remembers must not outlive a fold."""
        return make_objective(self.config)[0]

    def fit(self, seed: int, indices: np.ndarray, **options: Any) -> ContrastiveModel:
        """Return the model of a seed, trained on the graphs `indices`; options are `fit`'s."""
        config, model = self.config, self.model(seed)
        together = not (config.encoder.per_view or config.encoder.weight_noise)
        settings = TrainingSettings(
            config.epochs,
            config.batch_size,
            config.optimizer.lr,
            config.optimizer.weight_decay,
            seed,
        )
        fit(
            model,
            self.new_objective(),
            augment.views(self.views, together=together),
            self.store,
            torch.from_numpy(indices).to(self.device),
            settings,
            device=self.device,
            **options,
        )
        return model

    def train(
        self, folder: RunFolder, part: str, seed: int, indices: np.ndarray, show: bool
    ) -> ContrastiveModel:
        """Return the trained model of a part, going on from its checkpoint if there is one."""
        checkpoint = folder.checkpoint(part)
        folder.forget_metrics_after(part, checkpoint.epoch())
        return self.fit(
            seed,
            indices,
            checkpoint=checkpoint,
            diagnose=diagnose if self.config.diagnose else None,
            log=lambda record: folder.log({"part": part} | record),
            progress=part if show else None,
        )

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

    def trained(self, folder: RunFolder, seed: int, show: bool) -> list[np.ndarray]:
        """Return embeddings [G, D] by the trained encoder, one matrix per model of the seed.

        There is one model under the transductive protocol, and one per fold under the inductive.
        What is not trained yet, is.
        """
        if self.config.protocol == "transductive":
            whole = np.arange(len(self.labels))
            models = [self.train(folder, f"seed{seed}", seed, whole, show)]
        else:
            models = [
                self.train(folder, f"seed{seed}-fold{number}", seed, fold.train, show)
                for number, fold in enumerate(self.folds(seed))
            ]
        return [embed(model, self.store, self.device) for model in models]

    def untrained(self, seed: int) -> np.ndarray:
        """Return the embeddings [G, D] by the same encoder before training."""
        return embed(self.model(seed), self.store, self.device)

    def run(self, folder: RunFolder, show: bool = True) -> Comparison:
        """Train what is not trained yet, then measure the trained and the untrained encoder."""
        trained, untrained, evaluating = [], [], 0.0
        for seed in range(self.config.seed, self.config.seed + self.config.repeats):
            raw, learned = self.untrained(seed), self.trained(folder, seed, show)
            start = time.perf_counter()
            trained.append(self.measure(learned, seed, show))
            untrained.append(self.measure([raw] * len(learned), seed, show))
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
        """Return the protocol's evaluation of one matrix, or of one per fold when inductive.

        The probe is the config's unless given.
        """
        settings, folds = self.config.probe, self.folds(seed)
        bar = tqdm(total=len(folds), desc="evaluate", unit="fold", leave=False, disable=not show)
        with bar, warnings.catch_warnings():
            warnings.simplefilter("ignore", probes.RareClassWarning)  # said before the training
            if self.config.protocol == "transductive":
                return probes.transductive(
                    embeddings[0],
                    self.labels,
                    probe=probe or settings.name,
                    folds=settings.folds,
                    inner=settings.inner,
                    fraction=settings.fraction,
                    seed=seed,
                    jobs=settings.jobs,
                    progress=lambda score: bar.update(),
                )
            return probes.inductive(
                lambda number, fold: embeddings[number],
                self.labels,
                folds=folds,
                probe=probe or settings.name,
                seed=seed,
                jobs=settings.jobs,
                progress=lambda score: bar.update(),
            )
