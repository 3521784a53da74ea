"""Device, objective, views and graphs from a config."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl.augment import Augmentation, View, ViewSampler, parse
from graph_hcl.calling import called
from graph_hcl.config import Config, ProjectionConfig
from graph_hcl.data import GraphStore, load
from graph_hcl.data.fetch import canonical_name
from graph_hcl.errors import UserError
from graph_hcl.losses import ContrastiveLoss
from graph_hcl.losses.objective import Objective, ObjectiveInput, as_objective
from graph_hcl.memory import check_fits
from graph_hcl.nn import perturbed
from graph_hcl.parts import NO_PARTS, Parts, fresh, shown
from graph_hcl.probes import find_probe
from graph_hcl.probes.metrics import find_metric
from graph_hcl.probes.resolve import resolve_protocol
from graph_hcl.registries import BACKBONES, NAMED_BY, OBJECTIVES, READOUTS
from graph_hcl.registry import IN_MEMORY, not_handed_over
from graph_hcl.schema import flag
from graph_hcl.settings import flat_settings, replace_settings, with_absolute_paths
from graph_hcl.training.graphed import check_graphed
from graph_hcl.training.optimizers import check_optimizer
from graph_hcl.training.state import TrainingSettings
from graph_hcl.training.trackers import check_logger


def find_device(name: str) -> torch.device:
    """Return the torch device called `name`; `auto` is CUDA if available, else the CPU.

    Raises `UserError` for a device that is not available.

    >>> find_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]  # the rest is advice
        if "device string" in reason:  # torch lists every device type here
            raise UserError(
                f"Expected --device to be auto, cpu, cuda, cuda:1 or mps, but got '{name}'."
            ) from error
        raise UserError(
            f"Expected --device to be available, but got '{name}' ({reason.rstrip('.')}): name "
            "another, such as cpu."
        ) from error
    return device


def with_canonical_names(config: Config) -> Config:
    """Return the config with the registered spelling of all names.

    >>> config = with_canonical_names(Config(dataset="mutag", objective="H-UCL", backbone="GIN"))
    >>> config.dataset, config.objective, config.backbone
    ('MUTAG', 'h-ucl', 'gin')
    """
    names = {"dataset": canonical_name(config.dataset, config.data_dir, config.mirror)}
    settings = flat_settings(config)
    for setting, registry in NAMED_BY.items():
        if isinstance(name := settings[setting], str):
            names[setting] = registry.canonical(name)
    return replace_settings(config, names)


def make_objective(config: Config, parts: Parts = NO_PARTS) -> tuple[Objective, Config]:
    """Return the objective, and the config with the objective's defaults filled in.

    An objective given as an object is copied, so that no state goes from one training to the next.
    Raises `UserError` for a setting that the objective does not take, and for any setting of an
    objective that is an object.

    >>> objective, completed = make_objective(Config(dataset="MUTAG", objective="ucl"))
    >>> completed.temperature, completed.beta
    (0.5, None)
    """
    config = with_canonical_names(parts.named(config))
    if parts.objective is not None and not isinstance(parts.objective, type):
        objective = _copied_objective(config, parts)
        head = _make_projection(config, objective)
        return _bounded(objective, head), dataclasses.replace(config, projection=head)
    make = parts.objective or OBJECTIVES.get(config.objective)
    accepted = inspect.signature(make).parameters
    general = {"beta": config.beta, "temperature": config.temperature}
    special: dict[str, Any] = dataclasses.asdict(config.loss)
    options = special.pop("options")
    for name, value in (general | special).items():
        if value is not None and name not in accepted:
            typed = flag(name if name in general else f"loss.{name}")
            raise UserError(
                f"The objective '{shown(config.objective)}' takes no {typed}: leave it out, or "
                "choose an objective that does."
            )
    arguments = {k: v for k, v in (general | special).items() if v is not None}
    # Not by the objective: the model normalises, by --projection.normalize.
    fixed = {"normalize": False} if "normalize" in accepted else {}
    try:
        objective = as_objective(make(**arguments, **fixed, **options))
    except (TypeError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise UserError(f"The objective '{shown(config.objective)}': {reason}.") from error
    defaults = {k: p.default for k, p in accepted.items() if p.default is not p.empty}
    values: dict[str, Any] = {name: defaults.get(name) for name in general | special} | arguments
    completed = dataclasses.replace(
        config,
        beta=values["beta"],
        temperature=values["temperature"],
        loss=dataclasses.replace(config.loss, **{name: values[name] for name in special}),
        projection=_make_projection(config, objective),
    )
    return _bounded(objective, completed.projection), completed


def _bounded(objective: Objective, head: ProjectionConfig) -> Objective:
    """Return the objective, which is told how long the rows of such a head are at most."""
    if isinstance(objective, ContrastiveLoss) and head.normalize in ("sphere", "ball"):
        objective.longest = 1.0
    return objective


def _copied_objective(config: Config, parts: Parts) -> Objective:
    """Return a copy of the objective that is an object, which then leaves normalising to the model.

    Raises `UserError` for settings of the config that the object has itself.
    """
    values: dict[str, Any] = {"beta": config.beta, "temperature": config.temperature}
    values |= {f"loss.{name}": value for name, value in dataclasses.asdict(config.loss).items()}
    typed = [flag(name) for name, value in values.items() if value not in (None, {})]
    if typed:
        raise UserError(
            f"Expected no {' and no '.join(typed)} with the objective "
            f"{shown(config.objective)}, which is an object: give it its settings when it is made."
        )
    loss = fresh(parts.objective, "objective")
    if isinstance(loss, ContrastiveLoss) and loss.normalize:
        if config.projection.normalize not in (None, "sphere"):
            raise UserError(
                f"Expected normalize=False of the objective {shown(config.objective)} with "
                f"--projection.normalize {config.projection.normalize}, but got True: its features "
                "would be put on the sphere."
            )
        loss.normalize = False
    try:
        return as_objective(loss)
    except ValueError as error:
        raise UserError(str(error)) from error


def complete_config(config: Config, parts: Parts = NO_PARTS) -> Config:
    """Return the config with registered names and all defaults that do not depend on the graphs.

    Raises `UserError` for every mistake that can be detected without the graphs.

    >>> complete_config(Config(dataset="MUTAG", objective="h-scl")).protocol
    'inductive'
    """
    objective, config = make_objective(config, parts)
    device, sampler = find_device(config.device), make_sampler(config, parts)
    check_fits(config, device)
    if parts.backbone is None:
        BACKBONES.get(config.backbone)
    if parts.readout is None:
        READOUTS.get(config.readout)
    check_optimizer(config.optimizer.name, config.optimizer.momentum)
    check_graphed(make_settings(config, config.seed), objective, sampler, device)
    if config.probe.metric is not None:
        find_metric(config.probe.metric)
    if config.probe.name is not None:
        find_probe(config.probe.name, config.probe.options)
    elif config.probe.options:
        raise UserError(
            "Expected a probe by name with --probe.options, but got the options alone: add --probe."
        )
    check_logger(config.logger)
    protocol: Any = resolve_protocol(config.protocol, objective.tags.labels)
    return with_absolute_paths(dataclasses.replace(config, protocol=protocol))


def training_seed(seed: int, restart: int) -> int:
    """Return the seed of weights, batches and views; that of the folds is `seed` itself.

    >>> training_seed(7, 0), training_seed(7, 1) == training_seed(8, 0)
    (7, False)
    """
    if restart == 0:
        return seed
    return int(np.random.SeedSequence([seed, restart]).generate_state(1, np.uint64)[0]) >> 1


def make_settings(config: Config, seed: int) -> TrainingSettings:
    """Return the settings of a training of the config with a seed.

    >>> make_settings(Config(dataset="MUTAG", lr=0.1), seed=3).seed
    3
    """
    optimizer = config.optimizer
    return TrainingSettings(
        epochs=config.epochs,
        batch_size=config.batch_size,
        lr=config.lr,
        weight_decay=config.weight_decay,
        seed=training_seed(seed, config.restart),
        max_nodes=config.max_nodes,
        optimizer=optimizer.name,
        momentum=optimizer.momentum,
        clip=optimizer.clip,
        schedule=optimizer.schedule,
        warmup=optimizer.warmup,
        precision=config.precision,
        cuda_graphs=config.cuda_graphs,
    )


def check_counted(objective: Objective, name: str, views: int, label: Tensor) -> None:
    """Raise `UserError` where no graph has both a positive and a negative, with so many views.

    `name` is the objective's name in the message. Objectives that cannot count are not checked.

    >>> from graph_hcl import losses
    >>> check_counted(losses.UCL(), "ucl", 1, torch.tensor([0, 1]))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected two --views or more with ucl: other views of a graph are \
its only positives.
    """
    graph, none = torch.arange(len(label), device=label.device), torch.empty(0)

    def count(views: int) -> Tensor | None:
        return objective.count(ObjectiveInput(none, graph.repeat(views), label.repeat(views)))

    counted = count(views)
    if counted is None or int(counted):
        return
    if int(counted if (twice := count(2)) is None else twice):
        raise UserError(
            f"Expected two --views or more with {name}: other views of a graph are its only "
            "positives."
        )
    if len(label) < 2:
        raise UserError(
            f"Expected two graphs or more with {name}, but got one sample: a contrast needs "
            "another."
        )
    raise UserError(
        f"Expected graphs of two labels or more with {name}: otherwise no graph has a negative."
    )


def _make_projection(config: Config, objective: Objective) -> ProjectionConfig:
    """Return the head's settings; class logits are by default not normalised."""
    head, logits = config.projection, objective.tags.logits
    if logits and (head.dim is not None or head.layers == 0):
        raise UserError(
            f"Expected --projection.layers of 1 or more and no --projection.dim with the objective "
            f"'{shown(config.objective)}': its head ends in one column per class."
        )
    if head.layers == 0 and head.dim is not None:
        raise UserError(
            f"Expected no --projection.dim with --projection.layers 0, but got {head.dim}: leave "
            "it out, since features are then the embeddings, or give 1 layer or more."
        )
    return dataclasses.replace(head, normalize=head.normalize or ("none" if logits else "sphere"))


def make_sampler(config: Config, parts: Parts = NO_PARTS) -> ViewSampler:
    """Return the sampler of the config's views; weight noise applies to all views but the first.

    Raises `UserError` for an invalid view, and for one that was an object and is not given.

    >>> len(make_sampler(Config(dataset="MUTAG")).views)
    2
    """
    given = config.views if parts.views is None else fresh(list(parts.views), "augmentation")
    views = [View(_make_view(view)) for view in given]
    if config.encoder.weight_noise:
        encode = perturbed(config.encoder.weight_noise)
        views[1:] = [dataclasses.replace(view, encode=encode) for view in views[1:]]
    return ViewSampler(views, per_view=config.encoder.per_view)


def _make_view(view: Any) -> Augmentation:
    if not isinstance(view, str):
        if callable(view) and not isinstance(view, type):
            augmentation: Augmentation = view
            return augmentation
        raise UserError(
            "Expected each of the views to be text or an augmentation `(batch, generator) -> "
            f"Edit`, but got {view!r}: give an instance."
        )
    if view.startswith(IN_MEMORY):
        raise not_handed_over("views", view)
    return parse(view)


def load_graphs(config: Config) -> GraphStore:
    """Return the config's graphs, with shuffled labels if it asks for them.

    Warns about edges without a reverse edge. Raises `UserError` as `load` does.

    >>> from graph_hcl.config import DataConfig
    >>> store = load_graphs(Config(dataset="MUTAG", data=DataConfig(random_labels=True)))
    >>> true = load_graphs(Config(dataset="MUTAG"))
    >>> store.y.bincount().tolist() == true.y.bincount().tolist(), store.y.equal(true.y)
    (True, False)
    """
    if config.dataset.startswith(IN_MEMORY):
        raise UserError(
            "Expected graphs by name or path, but the model was fitted to graphs in memory: embed "
            f"others with {called('embed')} RUN --dataset NAME."
        )
    reading = dataclasses.asdict(config.data)
    for name in ("standardize", "random_labels"):
        del reading[name]
    store = load(config.dataset, data_dir=config.data_dir, mirror=config.mirror, **reading)
    if not config.data.random_labels:
        return store
    if store.y is None:
        raise UserError(
            f"{config.dataset} has no labels to shuffle: leave out --data.random-labels."
        )
    order = torch.randperm(len(store), generator=torch.Generator().manual_seed(config.seed))
    return dataclasses.replace(store, y=store.y[order])
