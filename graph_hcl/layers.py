"""Settings from one source (a file, a preset, flags or a call), checked against the schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from graph_hcl.errors import UserError
from graph_hcl.kinds import expected, fit, from_word, shown
from graph_hcl.registry import closest
from graph_hcl.schema import MOVED, SHORT, flag, groups, schema, setting_of


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


def as_layer(settings: Settings) -> Layer:
    """Return settings from a mapping or a YAML file as a layer.

    >>> as_layer({"epochs": 3}).values
    {'epochs': 3}
    """
    if isinstance(settings, Layer):
        return settings
    return read_settings(settings) if isinstance(settings, str | Path) else Layer(settings)


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
