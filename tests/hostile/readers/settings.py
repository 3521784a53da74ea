"""Settings of each kind, from files, flags and views, and what reads them."""

import random
from collections.abc import Callable
from pathlib import Path

import yaml

from graph_hcl.augment import parse
from graph_hcl.cli import config_parser, read_config
from graph_hcl.config import Config
from graph_hcl.factory import make_sampler
from graph_hcl.objective_factory import make_objective
from graph_hcl.schema import flag, setting_types
from graph_hcl.settings import make_config
from tests.hostile.damage import damage_yaml
from tests.hostile.reader import Reader

VIEWS = (
    b"edge_drop(0.2) + feature_mask(0.1) | subgraph(0.8)",
    b"(node_drop(0.2) | edge_drop(0.1)) + identity | column_mask(0.3) + edge_add(0.2)",
    b"graph_hcl.augment:Identity | graph_hcl.augment:EdgeDrop(0.5) + edge_mask",
)


def read_view(folder: Path) -> None:
    parse((folder / "view").read_bytes().decode("utf-8", "replace"))


def config_files() -> list[dict[str, bytes]]:
    whole = yaml.safe_dump(make_config({"dataset": "MUTAG"}).to_dict(), sort_keys=False)
    some = "dataset: MUTAG\nobjective: h-scl\nloss: {hardening: threshold}\nencoder.norm: null\n"
    return [{"c.yaml": whole.encode()}, {"c.yaml": some.encode()}]


def used(config: Config) -> None:
    """Use a config as a training does before it has graphs."""
    make_sampler(make_objective(config)[1])


def read_config_file(folder: Path) -> None:
    used(make_config(folder / "c.yaml"))


WORDS = [
    *("--dataset", "MUTAG", "--epochs", "3", "--views", "identity", "edge_drop(0.1)", "--beta"),
    *("0.5", "--loss.options", "{}", "--encoder.norm", "null", "--probe", "knn"),
]


def flags() -> Reader:
    parser = config_parser("train")
    names = [flag(name) for name in setting_types() if name not in ("data_dir", "mirror")]

    def read(folder: Path) -> None:
        text = (folder / "flags").read_bytes().decode("utf-8", "replace")
        rng = random.Random(text)
        typed = text.split("\n")
        if rng.random() < 0.5:
            typed[rng.randrange(len(typed))] = rng.choice(names)
        typed = [word for word in typed if not word.startswith(("--help", "-h", "--version"))]
        used(read_config(parser, typed)[0])

    return Reader([{"flags": "\n".join(WORDS).encode()}], read)


READERS: dict[str, Callable[[Path], Reader]] = {
    "views": lambda _: Reader([{"view": view} for view in VIEWS], read_view),
    "config": lambda _: Reader(config_files(), read_config_file, {"yaml": damage_yaml}),
    "flags": lambda _: flags(),
}
"""Readers by name, each made with the help of an empty folder."""
