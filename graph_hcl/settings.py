"""A `Config` from layers of settings, and the settings of a `Config` by dotted name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graph_hcl.config import OFFICIAL, Config
from graph_hcl.files import as_path
from graph_hcl.layers import Layer, Settings, as_layer, check_layer
from graph_hcl.schema import field_types, setting_of


def flat_settings(config: Config) -> dict[str, Any]:
    """Return the values of all settings by dotted name; mappings of options are flattened too.

    >>> settings = flat_settings(make_config({"lr": 0.5, "encoder.options": {"heads": 4}}))
    >>> settings["lr"], settings["loss.tau_plus"], settings["encoder.options.heads"]
    (0.5, None, 4)
    """
    return dict(_items(config.to_dict()))


def replace_settings(config: Config, values: Mapping[str, Any]) -> Config:
    """Return the config with some settings replaced, by dotted name.

    >>> replace_settings(Config(dataset="MUTAG"), {"lr": 0.5, "probe.name": "knn"}).probe.name
    'knn'
    """
    grouped: dict[str, dict[str, Any]] = {}
    changes = {}
    for name, value in values.items():
        group, _, last = name.rpartition(".")
        if group:
            grouped.setdefault(group, {})[last] = value
        else:
            changes[last] = value
    for group, members in grouped.items():
        changes[group] = dataclasses.replace(getattr(config, group), **members)
    return dataclasses.replace(config, **changes)


def _items(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, dict):
            yield from _items(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def make_config(*layers: Settings) -> Config:
    """Return the config of some layers of settings; later layers override earlier ones.

    A layer is a mapping of settings, nested or by dotted name, a `Layer`, or the path of a YAML
    file. All of them override the preset in the data set's card, which overrides the defaults of
    `Config`. Raises `UserError` for a file that cannot be read, an unknown setting, and a value of
    the wrong type or out of range.

    >>> config = make_config({"encoder": {"norm": None}, "lr": 1}, {"encoder.jk": "LAST"})
    >>> config.encoder.norm, config.encoder.jk, config.lr
    (None, 'last', 1.0)
    >>> make_config({"encoder.nrm": None})
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Unknown setting encoder.nrm. Did you mean encoder.norm?
    """
    from graph_hcl.data.fetch import canonical_name

    overrides = [as_layer(layer) for layer in layers]
    config = _merge(overrides)
    name = canonical_name(config.dataset, config.data_dir, config.mirror)
    return _merge([preset_of(name), *overrides, Layer({"dataset": name})])


def preset_of(name: str) -> Layer:
    """Return the settings in the card of a data set: none without a card or a preset.

    >>> preset_of("digits").values["readout"], preset_of("my-own").values
    ('mean', {})
    """
    from graph_hcl.data.cards import find_card

    card = find_card(name)
    return Layer({} if card is None else card.preset, f" in the card of {name}")


def _merge(layers: Iterable[Layer]) -> Config:
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in check_layer(layer).items():
            setting = setting_of(name) or name
            if setting == name:
                merged[name] = value
            else:
                key = name[len(setting) + 1 :]
                merged[setting] = (merged.get(setting) or {}) | {key: value}
    config: Config = _build(Config, merged)
    return config


def _build(kind: Any, merged: Mapping[str, Any], prefix: str = "") -> Any:
    arguments = {}
    for name, annotation in field_types(kind).items():
        if dataclasses.is_dataclass(annotation):
            arguments[name] = _build(annotation, merged, f"{prefix}{name}.")
        elif prefix + name in merged:
            arguments[name] = merged[prefix + name]
    return kind(**arguments)


def with_absolute_paths(config: Config) -> Config:
    """Return the config with absolute paths, so that it can be read from any folder.

    >>> with_absolute_paths(Config(dataset="MUTAG", mirror="https://a.b/c")).mirror
    'https://a.b/c'
    """

    from graph_hcl.data.names import is_place

    def absolute(path: str | None) -> str | None:
        if path is None or "://" in path:
            return path
        return str(as_path(path, "path").absolute())

    paths = {name: getattr(config, name) for name in ("mirror", "data_dir", "init_from")}
    paths |= {"dataset": config.dataset} if is_place(config.dataset) else {}
    if config.probe.splits != OFFICIAL:
        paths["probe.splits"] = config.probe.splits
    absolute_paths = {name: absolute(path) for name, path in paths.items()}
    return replace_settings(config, absolute_paths)
