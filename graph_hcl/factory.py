"""Device, views, graphs and training settings from a config, and a config that is complete."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch

from graph_hcl.augment import View, ViewSampler, parse
from graph_hcl.calling import called
from graph_hcl.config import Config
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.memory import check_fits
from graph_hcl.nn import perturbed
from graph_hcl.objective_factory import make_objective
from graph_hcl.parts import NO_PARTS, Parts, fresh
from graph_hcl.probes import find_probe
from graph_hcl.probes.metrics import find_metric
from graph_hcl.probes.resolve import resolve_protocol
from graph_hcl.registries import BACKBONES, READOUTS
from graph_hcl.registry import IN_MEMORY, not_handed_over
from graph_hcl.settings import with_absolute_paths
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


def _make_view(view: Any) -> Any:
    if not isinstance(view, str):
        return view
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
