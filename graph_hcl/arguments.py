"""The arguments of `GraphContrast` as a config and objects, and back."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from graph_hcl.config import Config
from graph_hcl.data.labels import fill_missing
from graph_hcl.errors import UserError
from graph_hcl.kinds import format_value
from graph_hcl.layers import Layer, check_layer
from graph_hcl.objective_factory import make_objective
from graph_hcl.parts import Parts
from graph_hcl.registry import IN_MEMORY
from graph_hcl.schema import MEANT, setting_of, setting_types
from graph_hcl.settings import flat_settings, make_config, preset_of
from graph_hcl.warn import SPELLING

PARTS = tuple(field.name for field in dataclasses.fields(Parts))
SETTINGS = (
    "beta",
    "temperature",
    "epochs",
    "batch_size",
    "lr",
    "weight_decay",
    "hidden",
    "layers",
    "max_nodes",
    "init_from",
)
"""Arguments that are settings by the same name; None leaves the default."""
READING = ("node_attrs", "edge_attrs", "weight", "ignored_attrs")
"""Arguments that say which attributes of graphs are read."""
ARGUMENTS = (*PARTS, *SETTINGS, *READING, "device", "logger", "seed")
TEXTS: dict[str, type] = {"init_from": Path, "device": torch.device}
"""Arguments that may be objects of a class whose text is the setting."""
USELESS = (
    "dataset",
    "mirror",
    "data_dir",
    "out",
    "repeats",
    "protocol",
    "diagnose",
    "checkpoint_every",
)
"""Settings without use here, and those of the groups `data` (but one) and `probe`."""


def read_arguments(
    arguments: Mapping[str, Any], dataset: str, seed: int, preset: Layer | None = None
) -> tuple[Config, Parts]:
    """Return the config of these arguments, and the objects among them that take a name's place.

    They override the settings of a `preset`, by default of that in the card of the data set.

    Raises `UserError` for a setting that is unknown, out of range or without use.

    >>> config, parts = read_arguments({"backbone": "gcn", "epochs": 3}, "MUTAG", seed=0)
    >>> config.backbone, config.epochs, parts.backbone
    ('gcn', 3, None)
    """
    objects: dict[str, Any] = {}
    for name in ("views", "callbacks"):
        if not isinstance(given := arguments.get(name) or (), Iterable):
            raise UserError(f"Expected {name} to be a list, but got {given!r:.60}.")
    values: dict[str, Any] = {"dataset": dataset, "seed": seed}
    for name in ("device", *SETTINGS, *PARTS):
        value = arguments.get(name)
        if isinstance(value, TEXTS.get(name, ())):
            value = str(value)
        texts = value if name == "views" and value is not None else [value]
        is_object = name in PARTS and not all(isinstance(text, str) for text in texts)
        if value is not None:
            (objects if is_object else values)[name] = value
    reading = {name: arguments[name] for name in READING if arguments.get(name) is not None}
    if reading:
        values["data.options"] = reading
    others = arguments.get("settings") or {}
    if not isinstance(others, Mapping):
        raise UserError(
            "Expected settings to map names to values, like {'encoder.norm': None}, but got "
            f"{format_value(others)}."
        )
    check_others(others)
    layers = (values, others) if preset is None else (preset, values, others)
    return make_config(*layers), Parts(**objects)


def check_others(settings: Mapping[str, Any]) -> None:
    """Raise `UserError` for settings that are arguments, or that have no use with a model alone.

    >>> check_others({"encoder.norm": None})
    """
    for name in settings:
        if name in ARGUMENTS:
            argument = "random_state" if name == "seed" else name
            raise UserError(f"Expected {name} as the argument {argument}, not among the settings.")
        if _is_useless(name):
            raise UserError(f"Expected settings of a model, but {name} is none: leave it out.")


def _is_useless(name: str) -> bool:
    """Return whether a setting is none of a model."""
    group, _, last = name.partition(".")
    return name in USELESS or group == "probe" or (group == "data" and last != "standardize")


def setting_named(name: str) -> str:
    """Return how to give a setting that is no argument, as the end of a message; empty if none is.

    >>> setting_named("tau_plus"), setting_named("tau"), setting_named("epoch")
    ("write settings={'loss.tau_plus': …}", 'write temperature=…', '')
    """
    if (meant := MEANT.get(name)) in ARGUMENTS:
        return f"write {meant}=…"
    for setting in setting_types():
        if setting.rpartition(".")[2] == name and setting not in ARGUMENTS:
            try:
                check_others({setting: None})
            except UserError:
                continue
            return f"write settings={{{setting!r}: …}}"
    return ""


def without_flags(text: str) -> str:
    """Return a message with settings named as in Python, where it names them by their flags.

    Flags of settings that `GraphContrast` does not take stay: a command has them.

    >>> without_flags("Lower --lr or --loss.tau-plus, change --seed, or --resume the run.")
    'Lower lr or loss.tau_plus, change random_state, or --resume the run.'
    """

    def named(found: re.Match[str]) -> str:
        name = found[1].replace("-", "_")
        if name == "seed":
            return "random_state"
        return found[0] if setting_of(name) is None or _is_useless(name) else name

    return re.sub(r"--([a-z][a-z0-9.-]*[a-z0-9])", named, text)


@contextmanager
def in_python() -> Iterator[None]:
    """Name settings in errors and warnings inside the block as `without_flags` does."""
    token = SPELLING.set(without_flags)
    try:
        yield
    except UserError as error:
        error.args = (without_flags(str(error)),)
        raise
    finally:
        SPELLING.reset(token)


def class_labels(y: Any, objective: str) -> NDArray[Any]:
    """Return labels [G] that are classes, whole floats among them, as scikit-learn reads them.

    >>> class_labels([0.0, 1.0], "h-scl")
    array([0, 1])
    """
    try:
        labels: NDArray[Any] = column_or_1d(y, warn=True)
    except ValueError as error:
        shape = getattr(y, "shape", None)
        got = f"shape {list(shape)}" if shape is not None else f"{y!r:.60}"
        raise UserError(
            f"Expected labels y [G], one class of each graph, with the objective '{objective}', "
            f"but got {got}: of one column per class, give y.argmax(1)."
        ) from error
    for number, label in enumerate(fill_missing(labels)):
        if isinstance(label, float) and math.isnan(label):
            raise UserError(
                f"Expected a class of each graph with the objective '{objective}', but graph "
                f"{number} has none: leave out the graphs without one."
            )
    kind = type_of_target(labels, input_name="y")
    if kind not in ("binary", "multiclass"):
        raise UserError(
            f"Expected classes as labels y with the objective '{objective}', but got {kind} values."
        )
    return labels.astype(int) if labels.dtype.kind == "f" else labels


def missing_parts(config: Config) -> list[str]:
    """Return the parts that a config holds the mark of an object for.

    >>> missing_parts(Config(backbone="in memory: Bonds"))
    ['backbone']
    """
    values = {name: getattr(config, name) for name in PARTS}
    lists = {name: [v] if isinstance(v, str) else v for name, v in values.items()}
    return [name for name, texts in lists.items() if any(t.startswith(IN_MEMORY) for t in texts)]


def arguments_of(config: Config, objects: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `GraphContrast` that stand for a config and objects.

    Defaults are left out, but for those that the preset of the data set would replace.
    """
    preset = check_layer(preset_of(config.dataset.removeprefix(IN_MEMORY)))
    usual = (
        Config()
        if "objective" in objects
        else make_objective(Config(objective=config.objective))[1]
    )
    given = {name: getattr(config, name) for name in (*SETTINGS, *PARTS)}
    for name in ("beta", "temperature", "readout", "views"):
        if given[name] == getattr(usual, name) and name not in preset:
            given[name] = None
    default = flat_settings(usual)
    settings = {
        name: value
        for name, value in flat_settings(config).items()
        if not name.startswith("data.options")
        and name.split(".")[0] not in (*ARGUMENTS, *USELESS, "probe", "data")
        and (name not in default or value != default[name] or name in preset)
    }
    if not config.data.standardize or "data.standardize" in preset:
        settings["data.standardize"] = config.data.standardize
    return {
        **given,
        **{name: config.data.options.get(name) for name in READING},
        **objects,
        "settings": settings or None,
        "random_state": config.seed,
    }
