"""Why a network cannot be made or run, as one sentence."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch_geometric.nn.models.basic_gnn import BasicGNN

from graph_hcl.causes import sentence
from graph_hcl.registry import did_you_mean

_INDEX = re.compile("scalar types: Long, Int|used as indices|index tensor")
"""What torch says of real numbers in the place of whole ones."""


def is_of_construction(error: Exception) -> bool:
    """Tell whether an error is one of what a constructor was given, and not one of the system.

    >>> is_of_construction(ValueError("no such aggregation")), is_of_construction(MemoryError())
    (True, False)
    """
    kinds = TypeError | ValueError | AssertionError | AttributeError | RuntimeError | IndexError
    return isinstance(error, kinds) and sentence(error) is None


def reason(error: Exception) -> str:
    """Return what a constructor complains of; of PyG's long lists of choices the nearest alone.

    >>> reason(ValueError("Could not resolve 'rleu' among choices {'relu', 'elu'}"))
    "there is no 'rleu'. Did you mean relu"
    """
    found = re.match(r"Could not resolve '(.*?)' among choices \{(.*)\}", str(error))
    if found is not None:
        choices = re.findall(r"'(\w+)'", found[2])
        return f"there is no '{found[1]}'.{did_you_mean(found[1], choices)}".rstrip(".?")
    if str(error):
        return " ".join(str(error).split()).rstrip(".")
    places = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at '{places[-1].line if places else ''}'"


def call_as_text(make: Any, positional: Sequence[Any], settings: Mapping[str, Any]) -> str:
    """Return a call as it is written.

    >>> call_as_text(dict, [], {"hidden": 32})
    'dict(hidden=32)'
    """
    name = getattr(make, "__name__", type(make).__name__)
    given = [f"{value!r:.30}" for value in positional]
    given += [f"{key}={value!r:.30}" for key, value in settings.items()]
    return f"{name}({', '.join(given)})"


def why_not_run(backbone: nn.Module, in_channels: int, error: Exception) -> str:
    """Return the sentence that tells why a backbone cannot be run on x [n, in_channels].

    >>> why_not_run(nn.Identity(), 7, TypeError("'int' object is not callable"))
    "The backbone 'Identity' cannot be run on x [n, 7]: 'int' object is not callable."
    """
    made = getattr(backbone, "_made_by", None)
    what = f"The backbone '{type(backbone).__name__}'{f', made by {made},' if made else ''}"
    text, advice = reason(error), ""
    if _INDEX.search(text):
        advice = (
            ": categories arrive one-hot, as real numbers, so take nn.Linear in place of "
            "nn.Embedding, or --encoder.embedding"
        )
    elif made and not isinstance(backbone, BasicGNN):
        advice = (
            ": if these arguments are not meant so, give a function of in_channels, "
            "hidden_channels and num_layers that makes it"
        )
    return f"{what} cannot be run on x [n, {in_channels}]: {text}{advice}."
