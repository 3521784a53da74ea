"""Settings from one source (a file, a preset, flags or a call), checked against the schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.kinds import coerce, describe_kind, format_value, parse_value
from graph_hcl.schema import (
    MOVED,
    SHORT,
    flag,
    meant,
    setting_groups,
    setting_of,
    setting_types,
)
from graph_hcl.yaml_text import parse_yaml


@dataclass(frozen=True)
class Layer:
    """Some settings, nested or by dotted name; messages add `where` to name their source.

    Values from a command line are strings, and `typed` holds each flag as the user typed it.
    """

    values: Mapping[str, Any]
    where: str = ""
    typed: Mapping[str, str] | None = None

    def name_with_source(self, name: str) -> str:
        """Return a setting's name and source for a message: the flag, or the name and the file."""
        if self.typed is None:
            return f"{name}{self.where}"
        return self.typed.get(name, flag(name))

    def unknown(self, name: str, others: Iterable[str] = ()) -> UserError:
        """Return the error for an unknown setting, with the closest known names."""
        known = [*setting_types(), *MOVED, *others]
        current = list(dict.fromkeys(MOVED.get(match, match) for match in meant(name, known)))
        hint = f" Did you mean {' or '.join(map(self.spell, current))}?" if current else ""
        kind = "setting" if self.typed is None else "flag"
        return UserError(f"Unknown {kind} {self.name_with_source(name)}.{hint}")

    def moved(self, names: Sequence[str]) -> UserError:
        """Return the error for former names of settings."""
        renamed = [f"{self.spell(name)} is now {self.spell(MOVED[name])}" for name in names]
        return UserError(
            f"{', '.join(renamed)}: rename {'it' if len(renamed) == 1 else 'them'}{self.where}."
        )

    def spell(self, name: str) -> str:
        """Return a setting's name as it is written in this source: as a flag, or plain."""
        return name if self.typed is None else flag(name)


Settings = Layer | Mapping[str, Any] | str | Path
"""Settings by name, or the path of a YAML file of settings."""


def as_layer(settings: Settings) -> Layer:
    """Return a mapping, a YAML file or a layer as a layer.

    >>> as_layer({"epochs": 3}).values
    {'epochs': 3}
    """
    if isinstance(settings, Layer):
        return settings
    return read_settings(settings) if isinstance(settings, str | Path) else Layer(settings)


def check_layer(layer: Layer) -> dict[str, Any]:
    """Return the settings of a layer by dotted name, each converted to its type."""
    flattened: dict[str, Any] = {}
    for name, value in _flatten(layer.values, layer):
        if name in flattened:
            raise UserError(
                f"Expected {layer.name_with_source(name)} once, but got it twice, in two "
                "spellings: leave one out."
            )
        flattened[name] = value
    moved = [name for name in flattened if name in MOVED]
    if moved:
        raise layer.moved(moved)
    return {name: _check(name, value, layer) for name, value in flattened.items()}


def _flatten(
    values: Mapping[str, Any], layer: Layer, prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield the settings of nested groups by dotted name, those in two spellings twice."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if setting_of(name) or name in MOVED:
            yield name, value
        elif isinstance(value, Mapping) and (name in setting_groups() or _moved_group(name)):
            yield from _flatten(value, layer, f"{name}.")
        elif name in SHORT and isinstance(value, str):
            yield SHORT[name], value
        elif name in setting_groups():
            members = [
                layer.spell(setting)
                for setting in setting_types()
                if setting.startswith(f"{name}.")
            ]
            listed = "" if layer.typed is None else f": --help {name} lists them"
            raise UserError(
                f"Expected settings of the group {layer.name_with_source(name)} "
                f"({', '.join(members[:3])}, …), but got {format_value(value)} for the group itself"
                f"{listed}."
            )
        else:
            raise layer.unknown(name)


def _moved_group(name: str) -> bool:
    return any(former.startswith(f"{name}.") for former in MOVED)


def _check(name: str, value: Any, layer: Layer) -> Any:
    setting = setting_of(name)
    kind = setting_types()[name] if setting == name else Any
    try:
        return coerce(value if layer.typed is None else parse_value(value, kind), kind)
    except ValueError:
        description = describe_kind(kind)
        if str(value).lower().strip("+-.") in ("inf", "infinity", "nan"):
            description = description.replace("a number", "a finite number")
        raise UserError(
            f"Expected {layer.name_with_source(name)} to be {description}, but got "
            f"{format_value(value)}."
        ) from None


def read_settings(file: str | Path) -> Layer:
    """Return the settings in a YAML file, not yet checked; nothing in it is executed.

    Raises `UserError` for a file that cannot be read or does not hold a mapping.
    """
    file = as_path(file, "file")
    try:
        content = parse_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"Expected a YAML file of settings at {file}, but got: {error.strerror}."
        ) from error
    except ValueError as error:
        raise UserError(f"Expected {file} to be YAML, but it is not: {error}.") from error
    content = {} if content is None else content
    if not isinstance(content, Mapping):
        raise UserError(
            f"Expected {file} to map settings to values, like 'epochs: 20', but got "
            f"{format_value(content)}."
        )
    return Layer(content, f" in {file}")
