"""One object that fits and transforms, for scikit-learn's pipelines and searches."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from graph_hcl.arguments import (
    PARTS,
    READING,
    arguments_of,
    class_labels,
    in_python,
    missing_parts,
    read_arguments,
    setting_named,
)
from graph_hcl.causes import in_one_sentence
from graph_hcl.config import Config
from graph_hcl.config_groups import MAX_SEED
from graph_hcl.data import GraphStore, as_store
from graph_hcl.errors import UserError
from graph_hcl.factory import find_device
from graph_hcl.files import as_path, place_folder
from graph_hcl.keywords import names_arguments
from graph_hcl.nn import ContrastiveModel
from graph_hcl.objective_factory import make_objective
from graph_hcl.parts import Parts, shown
from graph_hcl.probes.protocol import part_of
from graph_hcl.ranges import Range
from graph_hcl.registry import IN_MEMORY, did_you_mean
from graph_hcl.reproducible import deterministic, generators_kept, in_turn
from graph_hcl.run import Run
from graph_hcl.setting_checks import check_value
from graph_hcl.settings import preset_of
from graph_hcl.spec import ModelSpec
from graph_hcl.trainer import Trainer
from graph_hcl.training import (
    Callback,
    CollapseCheck,
    History,
    KeepState,
    ProgressBar,
    Tracker,
    embed,
    embed_nodes,
    warn_of_collapse,
)
from graph_hcl.training.folder import holds_something
from graph_hcl.training.trackers import fit_logger

GRAPHS_IN_MEMORY = f"{IN_MEMORY}graphs"
"""The data set of a model that was fitted to graphs without a name."""


class GraphContrast(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Contrastive embeddings of graphs: `fit` trains an encoder, `transform` embeds any graphs.

    Graphs are a list of PyG's `Data`, NetworkX graphs or SMILES, a `GraphStore`, a PyG data set, or
    the name or path of a data set (see `graph_hcl.data.as_store`). Arguments have the names, the
    meaning and the defaults of the flags of `graph_hcl.train`; None leaves the default. The preset
    in a data set's card, such as that of digits, counts for its name, for the store that `load`
    returns, and for selections of that store, such as the folds of scikit-learn's searches; it does
    not for a list of its graphs.

    Args:
        objective: The loss by name or import path, an instance, a class, or a function
            `loss(z, graph=…, label=…)`.
        beta: Hardness of the negatives.
        temperature: T > 0 of the logits.
        epochs: Passes over the graphs.
        batch_size: Graphs per batch, 2 or more.
        lr: Learning rate of Adam.
        weight_decay: L2 penalty of Adam.
        backbone: The network by name or import path, its class, or anything that makes one.
        hidden: Width of each layer.
        layers: Number of layers.
        readout: sum, mean, max, an import path, or a pooling function.
        views: Augmentations, one per view, as text or as objects `(batch, generator) -> Edit`.
        max_nodes: Most nodes per batch.
        init_from: Run folder whose weights the training starts from, those of its first part, or
            the file RUN/checkpoint/PART.safetensors of another.
        settings: Any other settings by dotted name, such as {"encoder.norm": None}.
        node_attrs: Names of NetworkX node attributes that become features.
        edge_attrs: Names of NetworkX edge attributes that become edge features.
        weight: Name of the NetworkX edge attribute that becomes the edge weight.
        ignored_attrs: Names of attributes that are meant not to be read, so that no warning names
            them.
        callbacks: Called around the epochs, see `graph_hcl.training.Callback`.
        logger: tensorboard, wandb, mlflow, an import path, or a logger of Lightning. By name, each
            fit is a run of its own in runs/GraphContrast of the working directory.
        device: cpu, cuda, mps or auto, or a `torch.device`.
        random_state: Seed of weights, batches and views: an integer, a numpy generator, or None,
            which draws it from numpy's global generator, as scikit-learn does.
        verbose: Show a progress bar.

    Attributes:
        model_: The trained network, in evaluation mode.
        spec_: What the network must know of its training graphs to read others.
        config_: All settings, with defaults filled in.
        history_: One dictionary for each epoch: epoch, loss, seconds, ….

    Groups of graphs, such as scaffolds, matter where graphs are split: give them to scikit-learn's
    `cross_val_score(…, groups=groups, cv=GroupKFold())`, or to `graph_hcl.probes.evaluate`.

    The global generators of Python, numpy and torch are left as they were, and fits in threads of
    one process take turns.

    `fit` raises `UserError`, which is a `ValueError`, for every mistake in the settings and the
    graphs; `transform` for graphs that lack what the encoder was trained with.

    >>> import networkx as nx
    >>> graphs = [nx.cycle_graph(n) for n in range(3, 9)] + [nx.star_graph(n) for n in range(3, 9)]
    >>> model = GraphContrast(epochs=2, hidden=8, layers=2, random_state=0).fit(graphs)
    >>> model.transform(graphs).shape, len(model.history_)
    ((12, 16), 2)
    """

    @names_arguments(setting_named)
    def __init__(
        self,
        objective: Any = "h-ucl",
        *,
        beta: float | None = None,
        temperature: float | str | None = None,
        epochs: int = Config.epochs,
        batch_size: int = Config.batch_size,
        lr: float = Config.lr,
        weight_decay: float = Config.weight_decay,
        backbone: Any = Config.backbone,
        hidden: int = Config.hidden,
        layers: int = Config.layers,
        readout: Any = None,
        views: Sequence[Any] | None = None,
        max_nodes: int | None = None,
        init_from: str | Path | None = None,
        settings: Mapping[str, Any] | None = None,
        node_attrs: Any = None,
        edge_attrs: Any = None,
        weight: Any = None,
        ignored_attrs: Any = None,
        callbacks: Sequence[Callback] | None = (),
        logger: Any = None,
        device: str | torch.device | None = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.objective = objective
        self.beta = beta
        self.temperature = temperature
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.backbone = backbone
        self.hidden = hidden
        self.layers = layers
        self.readout = readout
        self.views = views
        self.max_nodes = max_nodes
        self.init_from = init_from
        self.settings = settings
        self.node_attrs = node_attrs
        self.edge_attrs = edge_attrs
        self.weight = weight
        self.ignored_attrs = ignored_attrs
        self.callbacks = callbacks
        self.logger = logger
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @in_python()
    def fit(self, graphs: Any, y: Any = None) -> Self:
        """Train an encoder on graphs; `y` [G] are labels for objectives that read them."""
        config, parts = self._config(graphs)
        with in_turn(), generators_kept(), deterministic(config.deterministic):
            self._fit(self._read(graphs, y, config, parts), config, parts)
        return self

    @in_python()
    def fit_transform(self, graphs: Any, y: Any = None) -> NDArray[np.float64]:
        """Train an encoder on graphs, and return their embeddings [G, D]."""
        config, parts = self._config(graphs)
        with in_turn(), generators_kept(), deterministic(config.deterministic):
            store = self._read(graphs, y, config, parts)
            self._fit(store, config, parts)
            return self._embed(store)

    @in_python()
    def transform(self, graphs: Any) -> NDArray[np.float64]:
        """Return embeddings [G, D]: each is a property of its graph alone."""
        check_is_fitted(self, "model_")
        with self._reproducible():
            return self._embed(self._read_new(graphs))

    @in_python()
    def transform_nodes(self, graphs: Any) -> list[NDArray[np.float64]]:
        """Return the embeddings of the nodes of each graph: matrices [nodes, D]."""
        check_is_fitted(self, "model_")
        with self._reproducible():
            store = self.spec_.prepare(self._read_new(graphs))
            return embed_nodes(self.model_, store, self._device(), max_nodes=self.max_nodes)

    def save(self, folder: str | Path) -> None:
        """Write the model as a run folder, which `load` and all commands read.

        It appears with all of its files. Raises `UserError` for a folder that holds something, and
        where nothing can be written.
        """
        check_is_fitted(self, "model_")
        place = as_path(folder, "folder")
        with in_one_sentence():
            if holds_something(place) or not place_folder(place, lambda at: self._write(at, place)):
                raise UserError(f"Expected a new or empty folder, but {place} holds something.")

    def _write(self, at: Path, place: Path) -> None:
        """Write the files of the run folder `place` into the folder `at`."""
        config = dataclasses.replace(self.config_, out=str(place))
        run = Run.create(config, self.spec_.data_sha256, at)
        part = part_of(config.seed, None, np.arange(0)).name
        for record in self.history_:
            run.folder.log({"part": part} | record)
        run.checkpoint(part, self.spec_).write(config.epochs, self._state)

    @classmethod
    @in_python()
    def load(
        cls,
        folder: str | Path,
        *,
        part: str | None = None,
        device: str | torch.device = "auto",
        trust_code: bool = False,
        **objects: Any,
    ) -> Self:
        """Return the model in a run folder; code that it names is run with `trust_code` alone.

        Args:
            folder: the run folder.
            part: one of several trained models, by default the first.
            device: cpu, cuda, mps or auto.
            trust_code: run the code that the folder names by import paths.
            **objects: backbone, objective, views and readout that have no import path.

        Raises `UserError` for a folder without a run, for one that names code by an import path
        without `trust_code`, and for an object that is missing.
        """
        unknown = [name for name in objects if name not in PARTS]
        if unknown:
            raise UserError(f"Expected objects for {', '.join(PARTS)}, but got '{unknown[0]}'.")
        place = as_path(folder, "folder")
        named = str(device) if isinstance(device, torch.device) else device
        run = Run.open(place, objects=Parts(**objects), trust_code=trust_code, device=named)
        part = run.find_part(part)
        config = run.config
        if missing := [name for name in missing_parts(config) if name not in objects]:
            raise UserError(
                f"Expected the objects {', '.join(missing)} of this model to be handed over again, "
                f"since they have no import path: write load(folder, {missing[0]}=…)."
            )
        model = cls(**arguments_of(config, objects), device=device)
        model.model_, model.spec_, model.config_ = run.model(part).eval(), run.spec(part), config
        model.history_ = [
            {name: value for name, value in record.items() if name != "part"}
            for record in run.folder.metrics()
            if record["part"] == part
        ]
        model._state = run.checkpoint(part).tensors()
        model._n_features_out = model.model_.encoder.out_channels
        return model

    def set_params(self, **params: Any) -> Self:
        """Set arguments by name; raises `UserError` for one that there is not."""
        known = self.get_params(deep=False)
        for name in params:
            first, nested, last = name.partition("__")
            if first not in known:
                hint = setting_named(first)
                raise UserError(
                    f"Unknown argument {first} of GraphContrast"
                    f"{f': {hint}.' if hint else '.' + did_you_mean(first, known)}"
                )
            if nested and not hasattr(params.get(first, known[first]), "set_params"):
                whole = f"{{{last!r}: …}}" if first == "settings" else "…"
                raise UserError(
                    f"Expected arguments of GraphContrast, but {name} is one of its {first}, which "
                    f"has no arguments to set: write {first}={whole}."
                )
        result: Self = super().set_params(**params)
        return result

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: graphs are no arrays, and y is optional."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = False
        tags.no_validation = True
        return tags

    def _config(self, graphs: Any) -> tuple[Config, Parts]:
        """Return the settings, and the objects that take the place of names."""
        arguments, seed = self.get_params(deep=False), self._seed()
        if isinstance(graphs, str | Path):
            return read_arguments(arguments, str(graphs), seed)
        preset = preset_of(graphs.name) if isinstance(graphs, GraphStore) else None
        # A loaded model knows by the name which settings its preset replaced.
        place = f"{IN_MEMORY}{graphs.name}" if preset and preset.values else GRAPHS_IN_MEMORY
        return read_arguments(arguments, place, seed, preset)

    @contextmanager
    def _reproducible(self) -> Iterator[None]:
        """Compute as the settings ask for, one thread at a time if that is of the whole process."""
        wanted = self.config_.deterministic
        with in_turn() if wanted else nullcontext(), deterministic(wanted):
            yield

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            check_value("random_state", self.random_state, int, Range(0, MAX_SEED))
            return int(self.random_state)
        if isinstance(self.random_state, np.random.Generator):  # which scikit-learn does not take
            return int(self.random_state.integers(2**31))
        try:
            return int(check_random_state(self.random_state).randint(2**31))
        except ValueError as error:
            raise UserError(
                "Expected random_state to be an integer, a generator of numpy's or None, but got "
                f"{self.random_state!r}."
            ) from error

    def _read(self, graphs: Any, y: Any, config: Config, parts: Parts) -> GraphStore:
        """Return graphs for training, with labels where the objective reads them alone."""
        objective, _ = make_objective(config, parts)
        if not objective.tags.labels:
            return self._read_new(graphs)
        if y is None:
            raise UserError(
                f"Expected labels y with the objective '{shown(parts.named(config).objective)}', "
                "which reads them: give them to fit, or choose an unsupervised objective."
            )
        return self._store(graphs, y=class_labels(y, shown(parts.named(config).objective)))

    def _read_new(self, graphs: Any) -> GraphStore:
        return dataclasses.replace(self._store(graphs), y=None, classes=[], tasks=[])

    def _store(self, graphs: Any, **labels: Any) -> GraphStore:
        return as_store(graphs, **{name: getattr(self, name) for name in READING}, **labels)

    def _fit(self, store: GraphStore, config: Config, parts: Parts) -> None:
        fields = {"weight": "edge_weight", "edge_attrs": "edge_attr"}
        asked = {name: field for name, field in fields.items() if getattr(self, name) is not None}
        trainer = Trainer(config, store, parts, asked)
        history, kept = History(), KeepState()
        everything = np.arange(len(store))
        spec = trainer.describe(everything)
        callbacks = [
            *(self.callbacks or ()),
            CollapseCheck(),
            history,
            *self._trackers(trainer.config),
            *([ProgressBar("fit")] if self.verbose else []),
            kept,
        ]
        model = trainer.fit(everything, trainer.config.seed, spec, callbacks=callbacks)
        self.model_: ContrastiveModel = model.eval()
        self.spec_: ModelSpec = spec
        self.config_: Config = trainer.config
        self.history_ = history.rows
        warn_of_collapse(history.rows)
        self._state: dict[str, Tensor] = kept.tensors
        self._n_features_out: int = self.model_.encoder.out_channels

    def _trackers(self, config: Config) -> list[Callback]:
        if self.logger is None:
            return []
        named = isinstance(self.logger, str)
        logger = fit_logger(self.logger) if named else self.logger
        if not hasattr(logger, "log_metrics"):
            raise UserError(
                "Expected logger to be tensorboard, wandb, mlflow, or a logger of Lightning, but "
                f"got {logger!r:.60}."
            )
        return [Tracker(logger, config.to_dict())]

    def _embed(self, store: GraphStore) -> NDArray[np.float64]:
        store = self.spec_.prepare(store)
        return embed(self.model_, store, self._device(), max_nodes=self.max_nodes)

    def _device(self) -> torch.device:
        return find_device(Config.device if self.device is None else str(self.device))
