"""Models from a config and a `ModelSpec`."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from graph_hcl.config import Config
from graph_hcl.data import GraphStore
from graph_hcl.data.levels import OPTIONAL_FIELDS
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.losses.objective import ObjectiveTags
from graph_hcl.nn import (
    ContrastiveModel,
    GraphEncoder,
    infer_out_channels,
    make_backbone,
    make_readout,
)
from graph_hcl.nn.backbone import needs_edge_dim, scales_by_degree
from graph_hcl.nn.constructor import DEFAULTS
from graph_hcl.parts import NO_PARTS, Parts, shown
from graph_hcl.registries import BACKBONES
from graph_hcl.spec import ModelSpec


def describe_model(
    config: Config, store: GraphStore, tags: ObjectiveTags, parts: Parts = NO_PARTS
) -> ModelSpec:
    """Return the spec of a config's model for the graphs of a store.

    `tags` are those of the config's objective, which determine the heads.
    """
    backbone = parts.backbone or BACKBONES.get(config.backbone)
    name = shown(parts.named(config).backbone)
    degrees = tuple(degree_histogram(store)) if scales_by_degree(backbone) else None
    if degrees is not None and len(degrees) < 2:
        raise UserError(
            f"Expected graphs with edges for the backbone '{name}', which scales by the number of "
            "neighbours, but no node has any: take another backbone, such as gin."
        )
    spec = ModelSpec(
        store.vocabulary,
        node_head=tags.nodes,
        classes=store.num_classes if tags.logits else None,
        degrees=degrees,
        data_sha256=store.sha256 or store.digest(),
    )
    reads = make_model(config, spec, parts).encoder.reads
    if (
        "edge_attr" not in reads
        and store.edge_attr is not None
        and needs_edge_dim(backbone, config.encoder.options)
    ):
        raise UserError(
            f"Expected edge_attr in the forward of the backbone '{name}', whose constructor needs "
            "an edge_dim, but it takes none: add it there, or give edge_dim a default."
        )
    readable = tuple(name for name in OPTIONAL_FIELDS if name in reads)
    fields = tuple(name for name in readable if getattr(store, name) is not None)
    edge = store.vocabulary.edge if "edge_attr" in fields else Features()
    vocabulary = Vocabulary(store.vocabulary.node, edge)
    return dataclasses.replace(spec, vocabulary=vocabulary, reads=readable, fields=fields)


def make_model(config: Config, spec: ModelSpec, parts: Parts = NO_PARTS) -> ContrastiveModel:
    """Return the newly initialised encoder with its projection head.

    Raises `UserError` when the backbone cannot be built, for settings without effect, and for a
    backbone or read-out that was an object and is not given.

    >>> from graph_hcl.data import load
    >>> config = Config(dataset="MUTAG", backbone="gcn", hidden=8, layers=2)
    >>> make_model(config, ModelSpec(load("MUTAG").vocabulary)).encoder.out_channels
    16
    """
    settings, width = config.encoder, spec.in_channels
    embedding = None
    if settings.embedding is not None:
        embedding, width = nn.Linear(width, settings.embedding, bias=False), settings.embedding
    backbone = make_backbone(
        parts.backbone or config.backbone,
        width,
        config.hidden,
        config.layers,
        edge_dim=spec.edge_dim,
        **{
            setting: value  # a custom backbone need not take those left at default
            for setting, default in DEFAULTS.items()
            if (value := getattr(settings, setting)) != default
        },
        degrees=None if spec.degrees is None else lambda: torch.tensor(spec.degrees),
        options=settings.options,
        explicit=[
            size
            for size, setting in (("hidden_channels", "hidden"), ("num_layers", "layers"))
            if getattr(config, setting) != getattr(Config, setting)
        ],
    )
    channels = infer_out_channels(backbone, width, spec.edge_dim)
    readout = make_readout(parts.readout or config.readout, channels)
    encoder = GraphEncoder(backbone, channels, readout, embedding)
    if settings.weight_noise and (spec.node_head or len(config.views) < 2):
        raise UserError(
            "Expected two views or more, and an objective that contrasts graphs, with "
            "--encoder.weight-noise: only views after the first are encoded with noise."
        )
    head, logits = config.projection, spec.classes is not None
    return ContrastiveModel(
        encoder,
        head.layers,
        spec.classes if logits else head.dim,
        head.normalize or ("none" if logits else "sphere"),
        spec.node_head,
    )


def degree_histogram(store: GraphStore) -> list[int]:
    """Return the number of nodes of in-degree 0, 1, 2, … [max degree + 1]."""
    sizes = store.edge_ptr.diff()
    target = store.edge_index[1] + store.node_ptr[:-1].repeat_interleave(sizes)
    degree = torch.bincount(target, minlength=int(store.node_ptr[-1]))
    histogram: list[int] = torch.bincount(degree).tolist()
    return histogram
