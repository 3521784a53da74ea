"""Running one trial: train its models, measure them at the trial's epochs, return the record."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from graph_hcl import probes
from graph_hcl.benchmarking.measurement import ModelSnapshot, find_measurement
from graph_hcl.benchmarking.record import SCHEMA
from graph_hcl.benchmarking.trials import READ_EDGES, Trial
from graph_hcl.config import Config
from graph_hcl.data.levels import OPTIONAL_FIELDS
from graph_hcl.errors import UserError
from graph_hcl.experiment import Experiment, make_experiment
from graph_hcl.nn import ContrastiveNetwork
from graph_hcl.provenance import environment
from graph_hcl.registries import BASELINES
from graph_hcl.reproducible import deterministic, threads
from graph_hcl.sealed import digest
from graph_hcl.spec import describe_unread
from graph_hcl.training import Snapshot
from graph_hcl.training.state import BatchFeatures, TrainState
from graph_hcl.user_code import check_imported
from graph_hcl.warn import warn_user


def run_trial(trial: Trial, jobs: int = 1) -> dict[str, Any]:
    """Return the record of a trial: its key, one record per epoch and fold, provenance, seconds.

    `jobs` folds of the probe are fitted at the same time, which has no effect on the scores. Raises
    `UserError` for data on which the trial is impossible, and where data or code are no longer
    those of its key.
    """
    with threads(trial.threads), deterministic(trial.config.deterministic):
        return _run_trial(trial, jobs)


def _run_trial(trial: Trial, jobs: int) -> dict[str, Any]:
    check_imported(trial.code)
    named_for = trial.data_sha256
    probe = dataclasses.replace(trial.config.probe, jobs=jobs)
    experiment = _make_experiment(trial, dataclasses.replace(trial.config, probe=probe))
    if trial.read_data_sha256() != named_for:
        raise UserError(
            f"Expected the files of {trial.dataset} to stay as they are while the benchmark runs, "
            "but they have changed: run the same command again."
        )
    start = time.perf_counter()
    stopped = None
    if trial.baseline is not None:
        training, records = 0.0, _measure_baseline(experiment, trial)
    elif trial.measure is not None:
        records, stopped = _measure_snapshots(experiment, trial)
        training = time.perf_counter() - start
    else:
        embeddings = _train(experiment, trial)
        training = time.perf_counter() - start
        records = []
        for epoch, matrices in embeddings.items():
            records += _records(experiment.measure(matrices, trial.config.seed), epoch)
    total = time.perf_counter() - start
    check_imported(trial.code)  # parts are imported when they are first used
    return {
        "schema": SCHEMA,
        "trial": trial.name,
        "dataset": trial.dataset,
        "protocol": trial.protocol,
        "method": str(trial.method),  # for readers: its name in the file, not part of what it is
        "key": trial.key(),
        "data_sha256": experiment.trainer.spec.data_sha256,
        **environment(experiment.trainer.device),
        "seconds": {"train": round(training, 2), "evaluate": round(total - training, 2)},
        **({} if stopped is None else {"stopped": stopped}),
        "records": records,
    }


def _make_experiment(trial: Trial, config: Config) -> Experiment:
    """Return the trial's experiment; a baseline's says what that leaves unread, not the encoder."""
    if trial.baseline is None:
        return make_experiment(config)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Not read in this run")
        experiment = make_experiment(config)
    reads: tuple[str, ...] = ("edge_attr",) if trial.baseline in READ_EDGES else ()
    if ":" in trial.baseline:
        reads = OPTIONAL_FIELDS  # nobody knows what one's own baseline reads
    spec = dataclasses.replace(experiment.trainer.spec, fields=reads)
    if unread := describe_unread(experiment.store, spec, f"the baseline {trial.baseline}"):
        warn_user(unread)
    return experiment


def _train(experiment: Experiment, trial: Trial) -> dict[int, list[np.ndarray]]:
    """Return the embeddings at each of the trial's epochs: one matrix for each part."""
    embeddings: dict[int, list[np.ndarray]] = {epoch: [] for epoch in trial.epochs}

    def embed(snapshot: ModelSnapshot) -> None:
        embeddings[snapshot.epoch].append(experiment.trainer.embed(snapshot.model, snapshot.spec))

    for part in experiment.parts(trial.config.seed):
        _fit(experiment, trial, part, embed)
    return embeddings


def _fit(
    experiment: Experiment, trial: Trial, part: probes.Part, visit: Callable[[ModelSnapshot], None]
) -> None:
    """Train the model of a part and visit it at each of the trial's epochs."""
    spec = experiment.trainer.describe(part.train)

    def at_epoch(epoch: int, model: ContrastiveNetwork, batch: BatchFeatures | None = None) -> None:
        if epoch in trial.epochs:
            final = epoch == trial.epochs[-1]
            visit(ModelSnapshot(experiment, part, model, spec, epoch, final, batch))

    def take(state: TrainState) -> None:
        at_epoch(state.epoch, state.model, state.largest_batch)

    at_epoch(0, experiment.trainer.model(part.seed, spec))
    if trial.config.epochs:
        experiment.trainer.fit(part.train, part.seed, spec, callbacks=[Snapshot(take)])


def _measure_baseline(experiment: Experiment, trial: Trial) -> list[dict[str, Any]]:
    baseline = BASELINES.get(str(trial.baseline))(experiment.store)
    seed = trial.config.seed
    matrices = [baseline.embeddings] * len(experiment.parts(seed))
    return _records(experiment.measure(matrices, seed, probe=baseline.probe), 0)


def _measure_snapshots(
    experiment: Experiment, trial: Trial
) -> tuple[list[dict[str, Any]], str | None]:
    """Return what the trial's own measurement gives, and why the training stopped early if so."""
    measurement = find_measurement(str(trial.measure))
    records: list[dict[str, Any]] = []

    def visit(snapshot: ModelSnapshot) -> None:
        about = {"epoch": snapshot.epoch, "part": snapshot.part.name}
        records.append(about | measurement.measure(snapshot))

    try:
        for part in measurement.parts(experiment, trial.config.seed):
            _fit(experiment, trial, part, visit)
    except UserError as error:
        if not records:
            raise
        return records, str(error)  # a loss that is no longer finite is a result
    return records, None


def _records(evaluation: probes.Evaluation, epoch: int) -> list[dict[str, Any]]:
    """Return one record for each fold, with sizes in place of graph numbers and predictions.

    `tested` is the same in folds of the same test graphs. With few labels, scores are means over
    the draws of the labelled graphs.
    """
    folds: dict[tuple[int, int], list[probes.FoldScore]] = {}
    for fold in evaluation.folds:
        folds.setdefault((fold.seed, fold.fold), []).append(fold)
    return [
        {
            "epoch": epoch,
            "probe": evaluation.probe,
            "settings": evaluation.settings,
            "seed": seed,
            "fold": number,
            "scores": {
                name: round(float(np.mean([draw.scores[name] for draw in draws])), 6)
                for name in evaluation.metrics
            },
            "validation_score": _mean([draw.validation_score for draw in draws]),
            "params": draws[0].params if len(draws) == 1 else {},
            "train": draws[0].train,
            "validation": draws[0].validation,
            "test": len(draws[0].test),
            "tested": digest(sorted(draws[0].test))[:16],
            **({} if draws[0].pool is None else {"draws": len(draws), "pool": draws[0].pool}),
        }
        for (seed, number), draws in folds.items()
    ]


def _mean(values: list[float | None]) -> float | None:
    """Return the mean of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 6) if known else None
