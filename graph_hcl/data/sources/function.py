"""One's own function that returns graphs, by its import path."""

from __future__ import annotations

import inspect
from dataclasses import replace

from graph_hcl.data.collect import collect
from graph_hcl.data.names import is_function
from graph_hcl.data.sources import Request
from graph_hcl.data.store import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.registry import import_path


class Function:
    """A function or class `package.module:function` that returns graphs.

    It may return all that `graph_hcl.data.as_store` takes: an iterable of PyG's `Data`, of NetworkX
    graphs or of SMILES, a PyG data set, or a `GraphStore`. `options` are its keyword arguments.
    """

    what = "a function"
    takes = frozenset({"options"})

    def recognises(self, name: str) -> bool:
        """Tell whether a name is an import path."""
        return is_function(name)

    def read(self, request: Request) -> GraphStore:
        """Return the graphs; raise `UserError` for a function that cannot be imported or called."""
        function = import_path(request.name, "the function of graphs")
        try:
            inspect.signature(function).bind(**request.options)
        except (TypeError, ValueError) as error:  # ValueError: it has no signature
            raise UserError(
                f"Expected arguments of {request.name} as --data.options.NAME, but got "
                f"{', '.join(request.options) or 'none'}: {error}."
            ) from error
        store = collect(function(**request.options), where=f"what {request.name} returns")
        return replace(store, sha256=store.sha256 or store.digest())
