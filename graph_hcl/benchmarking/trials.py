"""One trial: a complete configuration, its hash, and the one way to carry it out."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from graph_hcl import baselines, probes
from graph_hcl.benchmarking import identity
from graph_hcl.benchmarking.spec import Spec
from graph_hcl.config import Config
from graph_hcl.data import find_card
from graph_hcl.experiment import Experiment, make_experiment
from graph_hcl.factory import make_objective
from graph_hcl.results import PACKAGES
from graph_hcl.spec import ModelSpec
from graph_hcl.training import Snapshot

FORMAT = 1  # counts the changes of what a trial holds, and of defaults that change what comes out
CONTROL = ("dataset", "protocol", "seed", "data", "probe")
"""Settings, and groups of them, that a control follows from: it trains nothing."""


@dataclass(frozen=True)
class Trial:
    """One data set, method, candidate, repetition and protocol.

    `epochs` are those at which the embeddings are measured, 0 before training; `point` is what the
    candidate's config has of its own; `control` names features or kernels that nothing trains.
    """

    dataset: str
    method: str
    protocol: str
    config: Config
    epochs: tuple[int, ...]
    point: dict[str, Any]
    control: str | None = None

    def _settings(self) -> dict[str, Any]:
        """Return what the result follows from, by dotted name; fixed folds by their content."""
        found = identity.settings(self.config)
        if found["probe.splits"] is not None:
            content = Path(found["probe.splits"]).read_bytes()
            found["probe.splits"] = hashlib.sha256(content).hexdigest()
        if not self._reads_attributes():
            del found["data.standardize"]  # there is nothing that it would change
        if self.control is not None:
            found = {name: value for name, value in found.items() if name.split(".")[0] in CONTROL}
        return found

    def _reads_attributes(self) -> bool:
        card = find_card(self.dataset)
        always = card is None or card.features == "attributes"
        return always or self.config.data.node_attributes

    def key(self) -> dict[str, Any]:
        """Return all that the result follows from, as plain values by their frozen names."""
        return self._key(self._settings())

    def _key(self, settings: dict[str, Any]) -> dict[str, Any]:
        key: dict[str, Any] = {"format": FORMAT, "control": self.control}
        key["epochs"] = list(self.epochs)
        card = find_card(self.dataset)
        if card is not None and card.features.startswith("degree"):
            key["degrees"] = [card.features, card.degree_cap]  # the card decides, no setting
        named = {identity.frozen_name(name): value for name, value in settings.items()}
        # The first records were named with this group in place, empty or not.
        return key | {"config": {"probe": {}} | identity.nested(named)}

    @cached_property
    def name(self) -> str:
        """The hash that names the trial's file, over its complete configuration.

        Settings at their frozen defaults are left out of it, so that a setting that is new to the
        schema, and a default that is changed, leave finished trials their names.
        """
        unusual = {k: v for k, v in self._settings().items() if not identity.is_usual(k, v)}
        text = json.dumps(self._key(unusual), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def expand(spec: Spec) -> list[Trial]:
    """Return all trials of a benchmark, the first repetition of everything first.

    A method that reads labels has no transductive trials: it would be refused there. Raises
    `UserError` for a method whose settings are refused.
    """
    found = []
    for protocol in spec.protocols:
        for dataset in spec.datasets:
            for name in spec.methods:
                found += list(_candidates(spec, protocol, dataset, name))
    return sorted(found, key=lambda trial: trial.config.seed)


def _candidates(spec: Spec, protocol: str, dataset: str, name: str) -> Iterator[Trial]:
    method = spec.methods[name]
    for point, given in spec.configs(name, dataset, protocol):
        objective, config = make_objective(given)
        control = method.control
        if control is not None:
            control = baselines.BASELINES.canonical(control)
            baselines.BASELINES.get(control)
            epochs: tuple[int, ...] = (0,)
        elif protocol == "transductive" and objective.tags.labels:
            return
        else:
            epochs = tuple(sorted(set(method.epochs))) or (config.epochs,)
            config = dataclasses.replace(config, epochs=max(epochs))
        for seed in range(spec.seed, spec.seed + spec.repeats):
            seeded = dataclasses.replace(config, seed=seed)
            yield Trial(dataset, name, protocol, seeded, epochs, point, control)


def run_trial(trial: Trial, jobs: int = 1) -> dict[str, Any]:
    """Return the record of a trial: its key, what was measured at each of its epochs, and how long.

    `jobs` threads share the probe's folds. Raises `UserError` for data that the trial cannot be
    carried out on.
    """
    probe = dataclasses.replace(trial.config.probe, jobs=jobs)
    experiment = make_experiment(dataclasses.replace(trial.config, probe=probe))
    start = time.perf_counter()
    measured, training = {}, 0.0
    if trial.control is not None:
        control = baselines.BASELINES.get(trial.control)(experiment.store)
        embeddings = [control.embeddings] * len(experiment.parts(trial.config.seed))
        measured[0] = _record(
            experiment.measure(embeddings, trial.config.seed, probe=control.probe)
        )
    else:
        snapshots = _train(experiment, trial)
        training = time.perf_counter() - start
        for epoch, embeddings in snapshots.items():
            measured[epoch] = _record(experiment.measure(embeddings, trial.config.seed))
    whole = time.perf_counter() - start
    return {
        "key": trial.key(),
        "dataset": trial.dataset,
        "protocol": trial.protocol,
        "data_sha256": experiment.trainer.spec.data_sha256,
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        "seconds": {"train": round(training, 2), "evaluate": round(whole - training, 2)},
        "epochs": {str(epoch): record for epoch, record in measured.items()},
    }


def _train(experiment: Experiment, trial: Trial) -> dict[int, list[np.ndarray]]:
    """Return the embeddings at each of the trial's epochs: one matrix for each part."""
    snapshots: dict[int, list[np.ndarray]] = {epoch: [] for epoch in trial.epochs}
    for part in experiment.parts(trial.config.seed):
        spec = experiment.trainer.describe(part.train)

        def snapshot(epoch: int, model: Any, spec: ModelSpec = spec) -> None:
            if epoch in snapshots:
                snapshots[epoch].append(experiment.trainer.embed(model, spec))

        snapshot(0, experiment.trainer.model(part.seed, spec))
        if trial.config.epochs:
            experiment.trainer.fit(part.train, part.seed, spec, callbacks=[Snapshot(snapshot)])
    return snapshots


def _record(found: probes.Evaluation) -> dict[str, Any]:
    """Return the scores of each fold, without its predictions."""
    lists: dict[str, Any] = {
        name: [round(fold.scores[name], 6) for fold in found.folds] for name in found.metrics
    }
    lists["validation_accuracy"] = [_rounded(fold.validation_score) for fold in found.folds]
    lists["C"] = [_rounded(fold.params.get("C")) for fold in found.folds]
    lists["train"] = [fold.train for fold in found.folds]
    lists["test"] = [len(fold.test) for fold in found.folds]
    return {"probe": found.probe} | lists


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
