"""What the folder of a run may decide: names of this package's parts, and no code of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graph_hcl.errors import UserError
from graph_hcl.user_code import IMPORT_PATH
from graph_hcl.warn import warn_user

PLACES = ("mirror", "data_dir")
"""Settings that say where data is fetched from and written to: those of a folder do not count."""
NO_CODE = (*PLACES, "out", "init_from")
"""Settings that are paths, never import paths."""


def import_paths(settings: Mapping[str, Any]) -> list[str]:
    """Return the texts in the settings of a run that name code by an import path.

    >>> import_paths({"backbone": "mine:Net", "views": ["edge_drop(0.1)"], "out": "a:b"})
    ['mine:Net']
    """
    found = [text for name, value in settings.items() for text in _texts(value, name)]
    return list(dict.fromkeys(text for text in found if IMPORT_PATH.search(text)))


def _texts(value: Any, name: str = "") -> Iterator[str]:
    if name in NO_CODE:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def refuse_code(settings: Mapping[str, Any], folder: object) -> None:
    """Raise `UserError` for settings of a folder that name code by an import path."""
    if paths := import_paths(settings):
        raise UserError(
            f"Expected {folder} to name parts of graph_hcl alone, but it would run the code of "
            f"{', '.join(paths)}: pass --trust-code (in Python, trust_code=True) if you trust it."
        )


def tell_places(settings: Mapping[str, Any], folder: object) -> None:
    """Warn of places for data in the settings of a folder."""
    left = {name: settings[name] for name in PLACES if settings.get(name)}
    if left:
        flags = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in left.items())
        warn_user(
            f"{folder} was trained with {flags}, which does not count now: give it again if you "
            "need it."
        )
