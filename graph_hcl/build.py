"""The parts that a config names: device, objective, encoder, graphs."""

from __future__ import annotations

import dataclasses
import inspect

import torch
from torch import nn

from graph_hcl import losses
from graph_hcl.config import Config
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
    local = getattr(losses.OBJECTIVES.get(config.objective), "reads_nodes", False)
    return ContrastiveModel(encoder, head.layers, head.dim, head.normalize, local)


def degree_histogram(store: GraphStore) -> torch.Tensor:
    """Return how many nodes have in-degree 0, 1, 2, … [max degree + 1]."""
    sizes = store.edge_ptr.diff()
    target = store.edge_index[1] + store.node_ptr[:-1].repeat_interleave(sizes)
    degree = torch.bincount(target, minlength=int(store.node_ptr[-1]))
    return torch.bincount(degree)


def load_graphs(config: Config) -> GraphStore:
    """Return the graphs that the config names."""
    return load(
        config.dataset,
        data_dir=config.data_dir,
        mirror=config.mirror,
        node_attributes=config.data.node_attributes,
    )
