"""The public names of the package, as its `__all__`s list them."""

import importlib
from collections.abc import Iterator

PACKAGES = (
    "graph_hcl",
    "graph_hcl.losses",
    "graph_hcl.losses.functional",
    "graph_hcl.geometry",
    "graph_hcl.augment",
    "graph_hcl.data",
    "graph_hcl.nn",
    "graph_hcl.training",
    "graph_hcl.probes",
    "graph_hcl.baselines",
    "graph_hcl.benchmarking",
    "graph_hcl.plot",
    "graph_hcl.errors",
)


def public_names() -> Iterator[tuple[str, str, object]]:
    """Yield package, name and object of each public name."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            yield package, name, getattr(module, name)
