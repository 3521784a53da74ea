"""The parts that a config names: device, objective, encoder, graphs."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import torch
from torch import Tensor, nn

from graph_hcl import losses
from graph_hcl.config import Config, ProjectionConfig
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone, width


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
    # The model normalises by --projection.normalize, the ball and nothing among the choices.
    own = {"normalize": False} if "normalize" in accepted else {}
    try:
        objective = make(**given, **own)
    except (TypeError, ValueError) as error:
        raise UserError(f"The objective '{config.objective}': {error}") from error
    defaults = {k: p.default for k, p in accepted.items() if p.default is not p.empty}
    taken = {name: defaults.get(name) for name in general | special} | given
    completed = dataclasses.replace(
        config,
        beta=taken["beta"],
        temperature=taken["temperature"],
        loss=dataclasses.replace(config.loss, **{name: taken[name] for name in special}),
        projection=_make_projection(config, objective),
    )
    return objective, completed


def check_counted(objective: Any, views: int, label: Tensor) -> None:
    """Raise `UserError` where no graph of all, seen in so many views, is part of a contrast.

    Objectives from outside that have no method `counted` are not asked.

    >>> check_counted(losses.UCL(), 1, torch.tensor([0, 1]))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected two --views or more with UCL: other views of a graph are \
its only positives.
    """
    counted = getattr(objective, "counted", None)
    if counted is None:
        return
    name, names = type(objective).__name__, torch.arange(len(label), device=label.device)
    if int(counted(names.repeat(views), label.repeat(views))):
        return
    if int(counted(names.repeat(2), label.repeat(2))):
        raise UserError(
            f"Expected two --views or more with {name}: other views of a graph are its only "
            "positives."
        )
    raise UserError(
        f"Expected graphs of two labels or more with {name}: here no graph has a negative."
    )


def _make_projection(config: Config, objective: Any) -> ProjectionConfig:
    """Return the head's settings; class logits are not normalised unless the config says so."""
    head, logits = config.projection, getattr(objective, "reads_logits", False)
    if logits and (head.dim is not None or head.layers == 0):
        raise UserError(
            f"Expected --projection.layers of 1 or more and no --projection.dim with the objective "
            f"'{config.objective}': its head ends in one column per class."
        )
    return dataclasses.replace(head, normalize=head.normalize or ("none" if logits else "sphere"))


def make_model(config: Config, store: GraphStore) -> ContrastiveModel:
    """Return the encoder with its projection head for the features of `store`, newly initialised.

    Where the objective reads class logits the head has a column for each label 0 … max. Raises
    `UserError` when the backbone cannot be built, and for settings that would have no effect.
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
    objective = losses.OBJECTIVES.get(config.objective)
    local = getattr(objective, "reads_nodes", False)
    if parts.weight_noise and (local or len(config.views) < 2):
        raise UserError(
            "Expected two views or more, and an objective that contrasts graphs, with "
            "--encoder.weight-noise: it is the later views that are encoded with noise."
        )
    head, dim = _make_projection(config, objective), config.projection.dim
    if getattr(objective, "reads_logits", False) and store.y is not None:
        dim = int(store.y.max()) + 1
    return ContrastiveModel(
        encoder, head.layers, dim, head.normalize or "sphere", local, parts.weight_noise
    )


def degree_histogram(store: GraphStore) -> torch.Tensor:
    """Return how many nodes have in-degree 0, 1, 2, … [max degree + 1]."""
    sizes = store.edge_ptr.diff()
    target = store.edge_index[1] + store.node_ptr[:-1].repeat_interleave(sizes)
    degree = torch.bincount(target, minlength=int(store.node_ptr[-1]))
    return torch.bincount(degree)


def load_graphs(config: Config) -> GraphStore:
    """Return the graphs that the config names, with their labels or with random ones.

    >>> from graph_hcl.config import DataConfig
    >>> store = load_graphs(Config(data=DataConfig(random_labels=True)))
    >>> true = load_graphs(Config())
    >>> store.y.bincount().tolist() == true.y.bincount().tolist(), store.y.equal(true.y)
    (True, False)
    """
    store = load(
        config.dataset,
        data_dir=config.data_dir,
        mirror=config.mirror,
        node_attributes=config.data.node_attributes,
    )
    if not config.data.random_labels or store.y is None:
        return store
    order = torch.randperm(len(store), generator=torch.Generator().manual_seed(config.seed))
    return dataclasses.replace(store, y=store.y[order])
