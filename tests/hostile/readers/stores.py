"""What the library keeps of data, and fixed folds; and what reads them."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import networkx
import torch

from graph_hcl.data import GraphStore
from graph_hcl.data.cache import cached
from graph_hcl.data.vocabulary import Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.probes.split_files import read_splits
from graph_hcl.spec import ModelSpec
from tests.hostile.damage import damage_json
from tests.hostile.forge import forge_tensors, reseal_tensors
from tests.hostile.reader import Reader
from tests.hostile.readers.data import drawn, used


def stores(scratch: Path) -> list[dict[str, bytes]]:
    found = []
    edge = networkx.Graph([(0, 1, {"length": 2.0}), (1, 2, {"length": 1.0})])
    for graphs, options in (
        ([drawn()] * 3, {"node_attrs": ["element", "charge"], "edge_attrs": ["length"]}),
        ([edge] * 2, {"weight": "length", "y": [0, 1]}),
        ([edge] * 2, {"y": torch.tensor([[0.5, 1.0], [2.0, float("nan")]])}),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            store = GraphStore.from_networkx(graphs, **options)
        file = scratch / "s.safetensors"
        file.unlink(missing_ok=True)
        cached(file, "s", lambda store=store: store)
        found.append({"s.safetensors": file.read_bytes()})
    return found


def read_store(folder: Path) -> None:
    used(GraphStore.open(folder / "s.safetensors")[0])


def read_cache(folder: Path) -> None:
    def make() -> GraphStore:
        return GraphStore.from_networkx([networkx.path_graph(3)])

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        used(cached(folder / "s.safetensors", "s", make))
    if told:  # it is rebuilt, and refused in this sense
        raise UserError(str(told[0].message))


def vocabularies() -> list[dict[str, bytes]]:
    store = GraphStore.from_networkx(
        [drawn()], node_attrs=["element", "charge"], edge_attrs=["length"]
    )
    spec = ModelSpec(store.vocabulary, ("edge_attr",), ("edge_attr",), True, 2, (0, 2, 1), "ab")
    return [{"v.json": store.vocabulary.to_json().encode(), "m.json": spec.to_json().encode()}]


def read_vocabulary(folder: Path) -> None:
    for name, kind in (("v.json", Vocabulary), ("m.json", ModelSpec)):
        try:
            kind.from_json((folder / name).read_text(encoding="utf-8"))
        except ValueError as error:  # which their callers put into a sentence
            raise UserError("one sentence.") from error


def splits() -> list[dict[str, bytes]]:
    fold = [
        {
            "test": [2 * k, 2 * k + 1],
            "model_selection": [{"train": [4, 5], "validation": [3 - 2 * k]}],
        }
        for k in (0, 1)
    ]
    fold.append({"test": [4, 5], "model_selection": [{"train": [0, 1], "validation": [2]}]})
    return [{"s.json": json.dumps(fold).encode()}]


def read_fold_file(folder: Path) -> None:
    read_splits(folder / "s.json", 6)


READERS: dict[str, Callable[[Path], Reader]] = {
    "store": lambda scratch: Reader(
        stores(scratch), read_store, {"": forge_tensors}, reseal_tensors
    ),
    "cache": lambda scratch: Reader(
        stores(scratch), read_cache, {"": forge_tensors}, reseal_tensors
    ),
    "vocabulary": lambda _: Reader(vocabularies(), read_vocabulary, {"json": damage_json}),
    "splits": lambda _: Reader(splits(), read_fold_file, {"json": damage_json}),
}
"""Readers by name, each made with the help of an empty folder."""
