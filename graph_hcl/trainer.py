"""Training the models of a config on graphs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from graph_hcl.augment import ViewSampler
from graph_hcl.augment.combine import masks_edges
from graph_hcl.config import Config
from graph_hcl.data import GraphStore
from graph_hcl.data.vocabulary import Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.factory import find_device, make_sampler, make_settings, training_seed
from graph_hcl.initial import read_pretrained
from graph_hcl.losses.objective import Objective
from graph_hcl.model_factory import degree_histogram, describe_model, make_model
from graph_hcl.nn import ContrastiveModel, ContrastiveNetwork, check_independent
from graph_hcl.nn.evaluating import most_graphs
from graph_hcl.objective_factory import check_counted, make_objective
from graph_hcl.parts import NO_PARTS, Parts, fresh, shown
from graph_hcl.reproducible import generators_kept, in_turn
from graph_hcl.spec import ModelSpec, describe_unread
from graph_hcl.training import Callback, Checkpoint, embed, fit, set_seed
from graph_hcl.training.finite import check_weights
from graph_hcl.training.graphed import check_graphed
from graph_hcl.training.optimizers import check_optimizer
from graph_hcl.warn import warn_user

Indices = NDArray[np.int64]


class Trainer:
    """Trains the models of a config on graphs; supervised objectives read their labels.

    `parts` are objects in the place of names in the config. With `config.init_from`, the models
    start from the weights of that run, and read graphs in its vocabulary and standardisation.
    `asked` maps arguments to the fields of the graphs that they ask the backbone to read.

    Attributes:
        config: The config, with the objective's defaults and the names of all parts filled in.
        parts: Copies of the objects that were given.
        store: The graphs on the device, with labels renumbered 0, 1, ….
        tags: What the objective reads.
        sampler: Draws the views of a batch.
        spec: The spec of a model for all graphs.
        device: Where the models are trained.

    Raises `UserError` for every mistake in the config or the graphs that can be detected before
    training.

    >>> from graph_hcl.data import load
    >>> trainer = Trainer(Config(dataset="MUTAG", epochs=1, backbone="gcn"), load("MUTAG"))
    >>> model = trainer.fit(np.arange(100), seed=0)
    >>> trainer.embed(model, trainer.describe(np.arange(100))).shape
    (188, 96)
    """

    def __init__(
        self,
        config: Config,
        store: GraphStore,
        parts: Parts = NO_PARTS,
        asked: Mapping[str, str] | None = None,
    ) -> None:
        self.parts = parts = parts.copied()
        objective, self.config = make_objective(config, parts)
        self.tags = objective.tags
        if self.tags.labels and store.class_labels is None:
            what = "labels" if store.y is None else "one class label each"
            raise UserError(
                f"Expected graphs with {what} for the objective '{shown(self.config.objective)}', "
                "which reads them: add labels, or choose an unsupervised objective, such as h-ucl."
            )
        check_optimizer(config.optimizer.name, config.optimizer.momentum)
        self.device = find_device(config.device)
        self.sampler = make_sampler(self.config, parts)
        check_graphed(make_settings(config, config.seed), objective, self.sampler, self.device)
        label = store.class_labels
        label = torch.arange(len(store)) if label is None else label
        name = shown(self.config.objective)
        check_counted(objective, name, len(self.config.views), label)
        self.store = renumber_labels(store).to(self.device)
        self.spec = describe_model(self.config, self.store, self.tags, parts)
        self.pretrained = None if config.init_from is None else read_pretrained(config.init_from)
        if self.pretrained is not None:
            self.pretrained.check(self.config, self.spec.data_sha256)
            self.spec = self.pretrained.adapted(self.spec)
            self.store = self.spec.prepare(self.store)
        backbone = shown(self.config.backbone)
        check_asked(asked or {}, self.spec.fields, backbone)
        check_edge_masks(self.sampler, self.spec, self.store, backbone)
        model = self.model(config.seed)
        if self.pretrained is not None and (new := self.pretrained.load_into(model)):
            warn_user(
                f"The {' and the '.join(new)} of {self.pretrained.name} has another shape: it "
                "starts from random weights."
            )
        check_weights(model.encoder.to(self.device), self.store)
        if unread := describe_unread(self.store, self.spec, f"the backbone {backbone}"):
            warn_user(unread)
        if large := describe_large(self.store, self.config.max_nodes):
            warn_user(large)
        if ":" in self.config.backbone + self.config.readout:  # not one of this package
            encoder = model.encoder.to(self.device)
            count = max(8, most_graphs(encoder))
            check_independent(encoder, self.store.batch(slice(count)))

    def new_objective(self) -> Objective:
        """Return a fresh objective, with no state of another training."""
        return make_objective(self.config, self.parts)[0]

    def describe(self, indices: Indices) -> ModelSpec:
        """Return the spec of a model trained on the graphs of these indices [K].

        Its standardisation, known values and degree histogram are those of the training graphs, or
        those of the run that the model starts from.
        """
        spec = self.spec
        if self.pretrained is not None:
            return spec
        if spec.degrees is not None:
            own = degree_histogram(self.store[torch.from_numpy(indices)])
            spec = dataclasses.replace(spec, degrees=tuple(own))
        fitted = self.store.fitted(indices, self.config.data.standardize).vocabulary
        edge = fitted.edge if spec.vocabulary.edge.columns else spec.vocabulary.edge
        return dataclasses.replace(spec, vocabulary=Vocabulary(fitted.node, edge))

    def model(self, seed: int, spec: ModelSpec | None = None) -> ContrastiveModel:
        """Return the model of a seed before training; `spec` is by default that of all graphs.

        The global generators stay as they are.
        """
        with in_turn(), generators_kept():
            return self._seeded(seed, spec)

    def _seeded(self, seed: int, spec: ModelSpec | None = None) -> ContrastiveModel:
        """Return the model as `model` does; the generators go on from its seed."""
        set_seed(training_seed(seed, self.config.restart))
        model = make_model(self.config, spec or self.spec, self.parts)
        if self.pretrained is not None:
            self.pretrained.load_into(model)
        return model

    def fit(
        self,
        indices: Indices,
        seed: int,
        spec: ModelSpec | None = None,
        *,
        checkpoint: Checkpoint | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> ContrastiveModel:
        """Return the model of a seed, trained on the graphs of these indices [K].

        `spec` defaults to `describe(indices)`. The global generators stay as they are: the training
        draws from them by its seed and leaves them as before, one thread at a time. Raises
        `UserError` as `graph_hcl.training.fit` does.
        """
        spec = spec or self.describe(indices)
        graphs = spec.prepare(self.store)
        if graphs.class_labels is None:  # nothing in training reads other targets
            graphs = dataclasses.replace(graphs, y=None)
        with in_turn(), generators_kept():
            return fit(
                self._seeded(seed, spec),
                self.new_objective(),
                fresh(self.sampler, "augmentation"),
                graphs,
                torch.from_numpy(indices),
                make_settings(self.config, seed),
                device=self.device,
                checkpoint=checkpoint,
                checkpoint_every=None if checkpoint is None else self.config.checkpoint_every,
                callbacks=callbacks,
            )

    def embed(
        self, model: ContrastiveNetwork, spec: ModelSpec, projected: bool = False
    ) -> NDArray[np.float64]:
        """Return embeddings [G, D] of all graphs, or the projected features [G, d]."""
        store = spec.prepare(self.store)
        return embed(model, store, self.device, projected, max_nodes=self.config.max_nodes)


def check_asked(asked: Mapping[str, str], fields: Collection[str], backbone: str) -> None:
    """Raise `UserError` for a field that an argument asks for and that the backbone does not read.

    >>> check_asked({"weight": "edge_weight"}, ["edge_weight"], "gcn")
    """
    for argument, field in asked.items():
        if field not in fields:
            example = "gcn" if field == "edge_weight" else "gine"
            raise UserError(
                f"Expected a backbone that reads {field} with {argument}, but {backbone} does not: "
                f"choose another, such as {example}, or leave {argument} out."
            )


def check_edge_masks(
    sampler: ViewSampler, spec: ModelSpec, store: GraphStore, backbone: str
) -> None:
    """Raise `UserError` for a view that masks attributes of edges which the model does not read."""
    if "edge_attr" in spec.fields or not any(masks_edges(v.augmentation) for v in sampler.views):
        return
    if store.edge_attr is None:
        raise UserError(
            "Expected graphs with edge_attr for edge_mask, but these have none: leave edge_mask "
            "out of --views."
        )
    raise UserError(
        f"Expected a backbone that reads edge_attr, which edge_mask masks, but got '{backbone}': "
        "choose one that does, such as gine, or leave edge_mask out of --views."
    )


def describe_large(store: GraphStore, max_nodes: int | None) -> str:
    """Return one sentence that counts the graphs with more nodes than a batch may have.

    >>> from graph_hcl.data import load
    >>> describe_large(load("MUTAG"), 27)
    'Of 188 graphs, 3 have more than --max-nodes 27 nodes, up to 28: each is in a batch of two.'
    """
    if max_nodes is None:
        return ""
    sizes = store.node_ptr.diff()
    count = int((sizes > max_nodes).sum())
    return (
        f"Of {len(store):,} graphs, {count:,} have more than --max-nodes {max_nodes} nodes, up to "
        f"{int(sizes.max()):,}: each is in a batch of two."
        if count
        else ""
    )


def renumber_labels(store: GraphStore) -> GraphStore:
    """Return the store with its classes, if it has any, renumbered 0, 1, … in sorted order.

    >>> from graph_hcl.data import load
    >>> renumber_labels(load("MUTAG")).y.unique()
    tensor([0, 1])
    """
    label = store.class_labels
    if label is None:
        return store
    return dataclasses.replace(store, y=label.unique(return_inverse=True)[1])
