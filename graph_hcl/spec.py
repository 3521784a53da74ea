"""The spec of a model: what it must know about its training graphs to read other graphs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graph_hcl.data import GraphStore
from graph_hcl.data.levels import OPTIONAL_FIELDS
from graph_hcl.data.names import short_name
from graph_hcl.data.vocabulary import MAX_COLUMNS, Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.sealed import parse_json
from graph_hcl.warn import warn_user

if TYPE_CHECKING:
    from graph_hcl.training import Checkpoint


@dataclass(frozen=True)
class ModelSpec:
    """The meaning of a model's inputs, and the sizes that depend on the data.

    `reads` are the optional fields that the backbone can read, and `fields` those of them that the
    training graphs had. `node_head` is whether the objective reads node features, `classes` the
    number of class logits that it reads (None for features). `degrees` [max degree + 1] is the
    histogram of in-degrees that PNA scales by; `data_sha256` is the hash of the graphs. Raises
    `UserError` for more classes than `MAX_COLUMNS`.

    >>> import networkx
    >>> store = GraphStore.from_networkx([networkx.path_graph(3)])
    >>> spec = ModelSpec(store.vocabulary)
    >>> ModelSpec.from_json(spec.to_json()) == spec, spec.in_channels, spec.edge_dim
    (True, 3, None)
    """

    vocabulary: Vocabulary
    reads: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    node_head: bool = False
    classes: int | None = None
    degrees: tuple[int, ...] | None = None
    data_sha256: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.classes, int) and self.classes > MAX_COLUMNS:
            raise UserError(
                f"Expected a classifier of at most {MAX_COLUMNS:,} classes, but got "
                f"{self.classes:,}: choose an objective that contrasts graphs."
            )

    @property
    def in_channels(self) -> int:
        """Number of node features F."""
        return self.vocabulary.node.width

    @property
    def edge_dim(self) -> int | None:
        """Number of edge features; None for graphs without."""
        return self.vocabulary.edge.width or None

    def prepare(self, store: GraphStore) -> GraphStore:
        """Return the store with its features translated to the vocabulary of training.

        Raises `UserError` for features that are missing or have another meaning, see `translate`.
        """
        for name in self.reads:
            is_present, is_required = getattr(store, name) is not None, name in self.fields
            if is_required and not is_present:
                raise UserError(
                    f"Expected graphs with {name}, which the encoder was trained with, but these "
                    "have none."
                )
            if is_present and not is_required:
                warn_user(f"{name} is left out: the encoder was trained on graphs without it.")
                changes: dict[str, Any] = {name: None}
                if name == "edge_attr":
                    changes["vocabulary"] = Vocabulary(store.vocabulary.node)
                store = dataclasses.replace(store, **changes)
        edge = self.vocabulary.edge if "edge_attr" in self.reads else store.vocabulary.edge
        return store.with_vocabulary(Vocabulary(self.vocabulary.node, edge))

    def to_json(self) -> str:
        """Return the spec as JSON."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return json.dumps(plain | {"vocabulary": json.loads(self.vocabulary.to_json())})

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Return the spec that `to_json` wrote; raise `ValueError` for any other text."""
        content = parse_json(text.encode("utf-8", "replace"))
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(content, dict) or set(content) != names:
            raise ValueError("not the description of a model")
        lists = {name: content[name] for name in ("reads", "fields", "degrees")}
        if lists["degrees"] is None:
            del lists["degrees"]
        for name, values in lists.items():
            kind = int if name == "degrees" else str
            if not isinstance(values, list) or not all(type(value) is kind for value in values):
                raise ValueError(f"its {name} are invalid")
            content[name] = tuple(values)
        vocabulary = Vocabulary.from_json(json.dumps(content.pop("vocabulary")))
        spec = cls(vocabulary, **content)
        numbers = [*(spec.degrees or ()), 0 if spec.classes is None else spec.classes]
        if (
            not set(spec.fields) <= set(spec.reads) <= set(OPTIONAL_FIELDS)
            or not all(type(number) is int and 0 <= number < 1 << 53 for number in numbers)
            or not isinstance(spec.node_head, bool)
            or not isinstance(spec.data_sha256, str)
        ):
            raise ValueError("its fields, heads, degrees or sha256 are invalid")
        return spec


def describe_unread(store: GraphStore, spec: ModelSpec, reader: str) -> str:
    """Return one sentence that lists the features that the run does not read; empty for none.

    >>> import networkx
    >>> edge = networkx.Graph([(0, 1, {"length": 2.0})])
    >>> store = GraphStore.from_networkx([edge], edge_attrs=["length"])
    >>> describe_unread(store, ModelSpec(store.vocabulary), "the backbone gin")
    'Not read in this run: edge_attr (length (1 number)), by the backbone gin.'
    """
    descriptions = {"edge_attr": f"edge_attr ({store.vocabulary.edge.summary()})"}
    unread = [
        descriptions.get(name, name)
        for name in OPTIONAL_FIELDS
        if getattr(store, name) is not None and name not in spec.fields
    ]
    of = f" of {short_name(store.name)}" if store.name else ""
    parts = [f"{', '.join(unread)}{of}, by {reader}"] * bool(unread)
    parts += store.unused
    return f"Not read in this run: {'; '.join(parts)}." if parts else ""


def describe_graphs(store: GraphStore, name: str, grouped_by: str | None = None) -> str:
    """Return a one-line summary of a data set; `grouped_by` says what its groups are.

    >>> import networkx
    >>> describe_graphs(GraphStore.from_networkx([networkx.path_graph(3)]), "paths")
    'paths: 1 graph, no labels; node features: degree (one-hot, 3 columns)'
    """
    graphs = f"{len(store):,} graph{'s' if len(store) > 1 else ''}"
    labels = "no labels"
    if store.y is not None:
        tasks = f"{store.y.shape[1]} tasks" if store.y.dim() > 1 else "real targets"
        labels = f"{store.num_classes} classes" if store.has_classes else tasks
    if store.groups is not None:
        by = f" by {grouped_by}" if grouped_by else ""
        labels += f", {len(set(store.groups)):,} groups{by}"
    return f"{name}: {graphs}, {labels}; node features: {store.vocabulary.node.summary()}"


def check_same_data(sha256: str, before: str, name: str) -> None:
    """Raise `UserError` unless the data that `name` was trained on had this sha256 before."""
    if sha256 != before:
        raise UserError(
            f"Expected the data that {name} was trained on (sha256 {before[:12]}…), but "
            f"it has changed ({sha256[:12]}…): restore it, name where it is with --dataset, or "
            "override this check with --allow-changed-data."
        )


def read_spec(checkpoint: Checkpoint) -> ModelSpec:
    """Return the spec in a checkpoint; raise `UserError` for a damaged one."""
    try:
        return ModelSpec.from_json(checkpoint.description())
    except UserError:
        raise
    except ValueError as error:
        raise UserError(
            f"Expected the description of a model in {checkpoint.path}, but it is damaged "
            f"({error}): delete it to retrain this part."
        ) from error
