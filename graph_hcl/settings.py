"""Settings by dotted name, checked against the schema, in layers: files, presets, flags, Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.kinds import expected, fit, from_word, shown
from graph_hcl.registry import closest

MOVED = {
    "optimizer.lr": "lr",
    "optimizer.weight_decay": "weight_decay",
    "encoder.readout": "readout",
}
"""Former names of settings."""
SHORT = {"probe": "probe.name"}
"""Groups that a single text stands for a setting of: `--probe svm` is `--probe.name svm`."""


@dataclass(frozen=True)
class Layer:
    """Some settings, nested or by dotted name; `where` says in messages where they are from.

    Of a command line the values are words, and `typed` gives each flag as the user typed it.
    """

    values: Mapping[str, Any]
    where: str = ""
    typed: Mapping[str, str] | None = None

    def call(self, name: str) -> str:
        """Return what the user calls a setting, here."""
        if self.typed is None:
            return f"{name}{self.where}"
        return self.typed.get(name, flag(name))

    def unknown(self, name: str, others: Iterable[str] = ()) -> UserError:
        """Return the error for a name that is no setting, with those that may be meant."""
        known = [*schema(), *MOVED, *others]
        group, _, last = name.rpartition(".")
        near = [one for one in known if one.rpartition(".")[2] == last]
        if not near and group in groups():
            inside = [one.removeprefix(f"{group}.") for one in known if one.startswith(f"{group}.")]
            near = [f"{group}.{one}" for one in closest(last, inside)]
        near = near or closest(name, known)
        meant = list(dict.fromkeys(MOVED.get(one, one) for one in near))
        hint = f" Did you mean {' or '.join(map(self.bare, meant))}?" if meant else ""
        kind = "setting" if self.typed is None else "flag"
        return UserError(f"Unknown {kind} {self.call(name)}.{hint}")

    def moved(self, names: Sequence[str]) -> UserError:
        """Return the error for settings that have another name now."""
        renamed = [f"{self.bare(name)} is now {self.bare(MOVED[name])}" for name in names]
        return UserError(
            f"{', '.join(renamed)}: rename {'it' if len(renamed) == 1 else 'them'}{self.where}."
        )

    def bare(self, name: str) -> str:
        """Return a setting's name as it would be written there."""
        return name if self.typed is None else flag(name)


Settings = Layer | Mapping[str, Any] | str | Path
"""What a config is made of: settings by name, or the YAML file that holds them."""


def flag(name: str) -> str:
    """Return a setting's flag.

    >>> flag("data.node_attributes")
    '--data.node-attributes'
    """
    return f"--{name.replace('_', '-')}"


@cache
def schema() -> dict[str, Any]:
    """Return the type of every setting, by dotted name.

    >>> schema()["epochs"], schema()["encoder.norm"]
    (<class 'int'>, str | None)
    """
    return _schema(Config)


def _schema(kind: type, prefix: str = "") -> dict[str, Any]:
    types: dict[str, Any] = {}
    for name, annotation in get_type_hints(kind).items():
        if dataclasses.is_dataclass(annotation):
            types |= _schema(annotation, f"{prefix}{name}.")  # type: ignore[arg-type]
        else:
            types[prefix + name] = annotation
    return types


def flat_settings(config: Config) -> dict[str, Any]:
    """Return the values of all settings by dotted name, options key by key.

    >>> settings = flat_settings(make_config({"lr": 0.5, "encoder.options": {"heads": 4}}))
    >>> settings["lr"], settings["loss.tau_plus"], settings["encoder.options.heads"]
    (0.5, None, 4)
    """
    return dict(_items(config.to_dict()))


def replace_settings(config: Config, values: Mapping[str, Any]) -> Config:
    """Return the config with other values of some settings, by dotted name.

    >>> replace_settings(Config(), {"lr": 0.5, "probe.name": "knn"}).probe.name
    'knn'
    """
    grouped: dict[str, dict[str, Any]] = {}
    own = {}
    for name, value in values.items():
        group, _, last = name.rpartition(".")
        if group:
            grouped.setdefault(group, {})[last] = value
        else:
            own[last] = value
    for group, inside in grouped.items():
        own[group] = dataclasses.replace(getattr(config, group), **inside)
    return dataclasses.replace(config, **own)


def _items(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, dict):
            yield from _items(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def groups() -> set[str]:
    """Return the names of the groups of settings.

    >>> sorted(groups())[:2]
    ['data', 'encoder']
    """
    return {name.partition(".")[0] for name in schema() if "." in name}


def setting_of(name: str) -> str | None:
    """Return the setting that a dotted name belongs to: itself, or the mapping it is a key of.

    >>> setting_of("loss.psi_options.margin"), setting_of("loss.psy")
    ('loss.psi_options', None)
    """
    if name in schema():
        return name
    holder = name.rpartition(".")[0]
    return holder if holder in schema() and "{" in expected(schema()[holder]) else None


def make_config(*layers: Settings) -> Config:
    """Return the config of the given layers, each on top of those before it.

    A layer is a mapping of settings, nested or by dotted name, a `Layer`, or the path of a YAML
    file. Below them all lies the preset in the card of the data set that they name, and below that
    the defaults of the schema. Raises `UserError` for a file that cannot be read, a name that is no
    setting, and a value of the wrong type or out of range.

    >>> config = make_config({"encoder": {"norm": None}, "lr": 1}, {"encoder.jk": "LAST"})
    >>> config.encoder.norm, config.encoder.jk, config.lr
    (None, 'last', 1.0)
    >>> make_config({"encoder.nrm": None})
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Unknown setting encoder.nrm. Did you mean encoder.norm?
    """
    from graph_hcl.data.cards import find_card
    from graph_hcl.data.fetch import canonical_name

    given = [as_layer(layer) for layer in layers]
    named = _merge(given)
    name = canonical_name(named.dataset, named.data_dir, named.mirror)
    card = find_card(name)
    preset = {} if card is None else card.preset
    return _merge([Layer(preset, f" in the card of {name}"), *given, Layer({"dataset": name})])


def as_layer(settings: Settings) -> Layer:
    """Return settings from a mapping or a YAML file as a layer.

    >>> as_layer({"epochs": 3}).values
    {'epochs': 3}
    """
    if isinstance(settings, Layer):
        return settings
    return read_settings(settings) if isinstance(settings, str | Path) else Layer(settings)


def _merge(layers: Iterable[Layer]) -> Config:
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in checked(layer).items():
            setting = setting_of(name) or name
            if setting == name:
                merged[name] = value
            else:
                key = name[len(setting) + 1 :]
                merged[setting] = (merged.get(setting) or {}) | {key: value}
    return _build(Config, merged)


def _build(kind: Any, merged: Mapping[str, Any], prefix: str = "") -> Any:
    given = {}
    for name, annotation in get_type_hints(kind).items():
        if dataclasses.is_dataclass(annotation):
            given[name] = _build(annotation, merged, f"{prefix}{name}.")
        elif prefix + name in merged:
            given[name] = merged[prefix + name]
    return kind(**given)


def checked(layer: Layer) -> dict[str, Any]:
    """Return the settings of a layer by dotted name, each with a value of its type."""
    flattened = _flatten(layer.values, layer)
    moved = [name for name in flattened if name in MOVED]
    if moved:
        raise layer.moved(moved)
    return {name: _check(name, value, layer) for name, value in flattened.items()}


def _flatten(values: Mapping[str, Any], layer: Layer, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if setting_of(name) or name in MOVED:
            flat[name] = value
        elif isinstance(value, Mapping) and (name in groups() or _moved_group(name)):
            flat |= _flatten(value, layer, f"{name}.")
        elif name in SHORT and isinstance(value, str):
            flat[SHORT[name]] = value
        elif name in groups():
            inside = [layer.bare(one) for one in schema() if one.startswith(f"{name}.")]
            raise UserError(
                f"Expected settings of the group {layer.call(name)} ({', '.join(inside)}), but got "
                f"{shown(value)} for the group itself."
            )
        else:
            raise layer.unknown(name)
    return flat


def _moved_group(name: str) -> bool:
    return any(former.startswith(f"{name}.") for former in MOVED)


def _check(name: str, value: Any, layer: Layer) -> Any:
    setting = setting_of(name)
    kind = schema()[name] if setting == name else Any
    try:
        return fit(value if layer.typed is None else from_word(value, kind), kind)
    except ValueError:
        wanted = expected(kind)
        if str(value).lower().strip("+-.") in ("inf", "infinity", "nan"):
            wanted = wanted.replace("a number", "a finite number")
        raise UserError(
            f"Expected {layer.call(name)} to be {wanted}, but got {shown(value)}."
        ) from None


def read_settings(file: str | Path) -> Layer:
    """Return the settings in a YAML file, to be checked; nothing in it is executed.

    Raises `UserError` for a file that cannot be read, or that is no mapping of settings.
    """
    try:
        content = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"Expected a YAML file of settings at {file}, but got: {error.strerror}."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"Expected {file} to be YAML, but it is not: {_first(error)}.") from error
    content = {} if content is None else content
    if not isinstance(content, Mapping):
        raise UserError(
            f"Expected {file} to map settings to values, like 'epochs: 20', but got "
            f"{shown(content)}."
        )
    return Layer(content, f" in {file}")


def _first(error: Exception) -> str:
    """Return what a YAML error complains of, and where, on one line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    where = f", line {mark.line + 1}" if mark else ""
    return f"{' '.join(str(problem).split())}{where}".rstrip(".")


def with_absolute_paths(config: Config) -> Config:
    """Return the config with its files and folders named from the root, wherever it is read next.

    >>> with_absolute_paths(Config(mirror="https://a.b/c")).mirror
    'https://a.b/c'
    """

    def absolute(path: str | None) -> str | None:
        if path is None or "://" in path:
            return path
        return str(Path(path).expanduser().absolute())

    paths = {"mirror": config.mirror, "data_dir": config.data_dir}
    splits = {"probe.splits": config.probe.splits}
    absolute_paths = {name: absolute(path) for name, path in (paths | splits).items()}
    return replace_settings(config, absolute_paths)
