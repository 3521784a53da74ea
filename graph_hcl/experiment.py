"""An experiment: models are trained, then evaluated with a probe by a protocol."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph_hcl import probes
from graph_hcl.calling import called
from graph_hcl.config import OFFICIAL, Config, ProbeConfig
from graph_hcl.data import GraphStore, official_metric, official_split
from graph_hcl.data.names import is_ogb, short_name
from graph_hcl.errors import UserError
from graph_hcl.factory import complete_config, load_graphs
from graph_hcl.initial import short_origin
from graph_hcl.nn import ContrastiveModel
from graph_hcl.probes import Evaluation, EvaluationProtocol, Fold, Part, Probe, Targets
from graph_hcl.probes.choice import choose_probe
from graph_hcl.probes.metrics import with_usual_metrics
from graph_hcl.progress import Progress
from graph_hcl.provenance import environment
from graph_hcl.reproducible import generators_kept
from graph_hcl.results import ENCODERS, Comparison, Provenance, table
from graph_hcl.results_file import read_results, write_results
from graph_hcl.run import Run
from graph_hcl.spec import ModelSpec
from graph_hcl.trainer import Trainer
from graph_hcl.training import set_seed, warn_of_collapse
from graph_hcl.training.diagnosis import describe_temperature

Embeddings = NDArray[np.floating[Any]]
TrainedModel = tuple[ContrastiveModel, ModelSpec]


class Experiment:
    """A trainer, and the protocol and probe that evaluate its models.

    Attributes:
        trainer: Trains the models; holds the graphs and the config.
        protocol: Decides which models are trained, and the folds of the evaluation.
        targets: The labels that the probe predicts, one per graph; may be unlabelled.
        probe: Settings of the probe.

    >>> experiment = make_experiment(Config(dataset="MUTAG", epochs=1))
    >>> experiment.protocol.name, [part.name for part in experiment.parts()]
    ('transductive', ['seed0'])
    """

    def __init__(
        self,
        trainer: Trainer,
        protocol: EvaluationProtocol,
        targets: Targets,
        probe: ProbeConfig,
    ) -> None:
        self.trainer = trainer
        self.protocol = protocol
        self.targets = targets
        self.probe = probe

    @property
    def config(self) -> Config:
        """The config, with the objective's defaults filled in."""
        return self.trainer.config

    @property
    def store(self) -> GraphStore:
        """The graphs."""
        return self.trainer.store

    @property
    def seeds(self) -> range:
        """The seeds of the repetitions."""
        return range(self.config.seed, self.config.seed + self.config.repeats)

    def parts(self, seed: int | None = None) -> list[Part]:
        """Return the models to train, of one seed or of all."""
        seeds = self.seeds if seed is None else [seed]
        return [part for each in seeds for part in self.protocol.parts(self.targets, each)]

    def embed_parts(self, seed: int, model: Callable[[Part], TrainedModel]) -> list[Embeddings]:
        """Return embeddings [G, D] by the model of each part of a seed, one matrix per part."""
        return [self.trainer.embed(*model(part)) for part in self.parts(seed)]

    def untrained(self, seed: int) -> list[Embeddings]:
        """Return embeddings [G, D] by the untrained encoder, one matrix per part of a seed."""
        embeddings: dict[ModelSpec, Embeddings] = {}
        specs = [self.trainer.describe(part.train) for part in self.parts(seed)]
        for spec in specs:
            if spec not in embeddings:  # parts may know the same values
                embeddings[spec] = self.trainer.embed(self.trainer.model(seed, spec), spec)
        return [embeddings[spec] for spec in specs]

    def measure(
        self,
        embeddings: Sequence[Embeddings],
        seed: int,
        *,
        probe: Probe | None = None,
        show: bool = False,
    ) -> Evaluation:
        """Return the evaluation of embeddings [G, D], one matrix per part of the seed.

        The probe is by default the experiment's own. One that draws from the global generators
        finds them at the seed.
        """
        settings = self.probe
        fits = self.protocol.fits_per_fold
        count = fits * len(self.protocol.split(self.targets, seed))
        unit = "fold" if fits == 1 else "draw"
        with generators_kept(), Progress("evaluate", count, unit, show=show) as bar:
            set_seed(seed)
            return self.protocol.evaluate(
                embeddings,
                self.targets,
                probe=probe or settings.name,
                seed=seed,
                metrics=with_usual_metrics(self.targets, settings.metric),
                options=None if probe else settings.options,
                jobs=settings.jobs,
                progress=lambda score: bar.update(),
            )

    def check_labelled(self) -> None:
        """Raise `UserError` for graphs without labels, which cannot be evaluated."""
        if not self.targets.labelled:
            raise UserError(
                f"{self.config.dataset} has no labels, so there is nothing to evaluate."
            )


def make_experiment(config: Config) -> Experiment:
    """Return the experiment that a config describes.

    Raises `UserError` for every mistake in the config or the data that can be detected before
    training, and warns about settings without effect.
    """
    config = complete_config(config)
    protocol = make_protocol(config)
    store = load_graphs(config)
    if store.y is None and not protocol.trains_on_test_graphs:
        raise UserError(
            f"{short_name(config.dataset)} has no class labels: choose an unsupervised objective, "
            "such as h-ucl, and the transductive protocol."
        )
    targets = make_targets(store, config.data.labels == "numbers", config.data.groups or "")
    if targets.labelled:
        config = with_probe(config, targets)
        trainer = Trainer(config, store)  # raises where the objective needs classes
        seeds = range(config.seed, config.seed + config.repeats)
        probe = config.probe
        metrics = with_usual_metrics(targets, probe.metric)
        protocol.check(targets, probe.name, seeds, probe.jobs, metrics, probe.options)
        return Experiment(trainer, protocol, targets, probe)
    return Experiment(Trainer(config, store), protocol, targets, config.probe)


def with_probe(config: Config, targets: Targets) -> Config:
    """Return the config with the name of the probe, by default the usual one of the targets.

    With an official split, the metric is by default the data set's own.

    >>> with_probe(Config(), Targets.of([0.5, 1.5])).probe.name
    'ridge'
    """
    probe = config.probe
    name = choose_probe(probe.name, targets, fraction=probe.fraction)
    metric = probe.metric
    if metric is None and probe.splits == OFFICIAL:
        metric = official_metric(config.dataset)
    probe = dataclasses.replace(probe, name=name, metric=metric)
    return dataclasses.replace(config, probe=probe)


def make_protocol(config: Config) -> EvaluationProtocol:
    """Return the protocol of a completed config, with the probe settings that apply to it.

    >>> from graph_hcl.config import ProbeConfig
    >>> make_protocol(Config(dataset="MUTAG", protocol="transductive", probe=ProbeConfig(folds=3)))
    Transductive(folds=3, inner=5, fraction=1.0, draws=20)
    """
    settings = dataclasses.asdict(config.probe)
    for name in ("name", "metric", "options", "jobs"):
        del settings[name]
    if config.probe.splits == OFFICIAL and config.protocol == probes.Inductive.name:
        settings |= {"splits": [_official_fold(config)], "origin": OFFICIAL}
    return probes.make_protocol(config.protocol, **settings)


def _official_fold(config: Config) -> Fold:
    """Return the data set's own split; raise `UserError` for one that has none."""
    if not is_ogb(config.dataset):
        raise UserError(
            f"Expected --probe.splits {OFFICIAL} with a data set that has a split of its own, such "
            f"as ogbg-molbace, but got {short_name(config.dataset)}: leave it out, or give a JSON "
            "file of folds."
        )
    return Fold.of(official_split(config.dataset, config.data_dir, config.mirror))


def make_targets(store: GraphStore, numbers: bool = False, grouped_by: str = "") -> Targets:
    """Return what the graphs carry to be predicted, unlabelled without it, and their groups.

    It is their classes, the columns of several tasks, or real targets; graphs without one are in no
    fold. Several columns are tasks of 0 and 1, or real targets where any number is another or they
    are read as `numbers`. `grouped_by` says what the groups are.
    """
    targets = _ungrouped(store, numbers)
    if store.groups is None or not targets.labelled:
        return targets
    return targets.grouped(store.groups, grouped_by)


def _ungrouped(store: GraphStore, numbers: bool) -> Targets:
    if store.y is None:
        return Targets.unlabelled(len(store))
    if store.class_labels is not None:
        return Targets.of(store.class_labels.cpu().numpy()).with_class_names(store.classes)
    y = store.y.cpu().double().numpy()
    if y.ndim == 2:
        return Targets.of_tasks(y, tuple(store.tasks), kind="regression" if numbers else None)
    return Targets.of_column(y, classes=store.has_classes).with_class_names(store.classes)


def check_trained(experiment: Experiment, run: Run) -> None:
    """Raise `UserError` unless every part of a run is fully trained."""
    for part in experiment.parts():
        run.spec_of(part, experiment.trainer)  # raises for other data
        done = run.epoch(part.name)
        if done < experiment.config.epochs:
            raise UserError(
                f"The run is not finished ({part.name} has {done} of {experiment.config.epochs} "
                f"epochs): resume it with {called('train')} --resume {run.path}."
            )


def compare(
    experiment: Experiment, run: Run, command: Sequence[str] = (), show: bool = True
) -> Comparison:
    """Train the unfinished parts, then evaluate the trained and the untrained encoder."""
    evaluations: dict[str, list[Evaluation]] = {name: [] for name in ENCODERS}
    trained_on, evaluate_seconds = set(), 0.0

    def train(part: Part) -> TrainedModel:
        model, spec = run.train(part, experiment.trainer, show)
        trained_on.add(spec.data_sha256)
        return model, spec

    for seed in experiment.seeds:
        embeddings = {"untrained": experiment.untrained(seed)}
        embeddings["trained"] = experiment.embed_parts(seed, train)
        start = time.perf_counter()
        for name in ENCODERS:
            evaluations[name].append(experiment.measure(embeddings[name], seed, show=show))
        evaluate_seconds += time.perf_counter() - start
    about = Provenance(
        dataset=short_name(experiment.config.dataset),
        objective=experiment.config.objective,
        data_sha256=experiment.trainer.spec.data_sha256,
        trained_on_sha256=sorted(trained_on),
        majority_accuracy=probes.majority_accuracy(experiment.targets)
        if experiment.targets.has_classes
        else None,
        train_seconds=sum(record.get("seconds", 0) for record in run.folder.metrics()),
        evaluate_seconds=evaluate_seconds,
        command=list(command),
        code=run.code,
        init_from=None if run.config.init_from is None else short_origin(run.config.init_from),
        classes=list(experiment.store.classes),
        **environment(experiment.trainer.device),
    )
    trained, untrained = (Evaluation.concat(evaluations[name]) for name in ENCODERS)
    return Comparison(trained, untrained, about)


def run_and_save(
    experiment: Experiment, run: Run, command: Sequence[str] = (), show: bool = True
) -> str:
    """Run an experiment, save its results, and return its table and the path of the run folder.

    Without labels the models are trained but not evaluated. Raises `UserError` where another
    process works on the run.
    """
    with run.locked():
        return _run_and_save(experiment, run, command, show)


def _run_and_save(experiment: Experiment, run: Run, command: Sequence[str], show: bool) -> str:
    if not experiment.targets.labelled:
        for part in experiment.parts():
            run.train(part, experiment.trainer, show)
        warn_of_collapse(run.folder.metrics())
        return (
            f"{short_name(experiment.config.dataset)} has no labels, so nothing was "
            f"evaluated: {called('embed')} {run.path} writes the embeddings.\n\n"
            f"run folder: {run.path}"
        )
    file = run.folder.results_path
    read_results(file)  # report a damaged file before training
    comparison = compare(experiment, run, command, show)
    warn_of_collapse(run.folder.metrics())
    write_results(file, read_results(file).add(comparison))
    like = describe_temperature(run.folder.metrics())
    return f"{table(comparison)}\n{like}\nrun folder: {run.path}"
