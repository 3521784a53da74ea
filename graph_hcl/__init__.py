"""Hard-negative contrastive learning on graphs: losses, augmentations, encoders, honest probes.

`GraphContrast` is the whole road in one object. `graph_hcl.losses` has the objectives and
`graph_hcl.geometry` what an embedding space looks like, both with torch alone; `graph_hcl.data`
reads graphs, `graph_hcl.augment` makes views of them, `graph_hcl.nn` encodes them and
`graph_hcl.training` trains; `graph_hcl.probes` measures embeddings, `graph_hcl.baselines` has what
to compare them with, and `graph_hcl.plot` draws. Mistakes of a user raise
`graph_hcl.errors.UserError`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graph_hcl.data import GraphStore
    from graph_hcl.estimator import GraphContrast
    from graph_hcl.losses import (
        HSCL,
        HUCL,
        SCL,
        UCL,
        ContrastiveLoss,
        CrossEntropy,
        HInfoGraph,
        InfoGraph,
        NTXent,
        SupCon,
        contrastive_loss,
        jensen_shannon_loss,
        psi_loss,
    )

__version__ = "0.2.0"
__all__ = [
    "HSCL",
    "HUCL",
    "SCL",
    "UCL",
    "ContrastiveLoss",
    "CrossEntropy",
    "GraphContrast",
    "GraphStore",
    "HInfoGraph",
    "InfoGraph",
    "NTXent",
    "SupCon",
    "contrastive_loss",
    "jensen_shannon_loss",
    "psi_loss",
]

_HOMES = dict.fromkeys(__all__, "graph_hcl.losses") | {
    "GraphContrast": "graph_hcl.estimator",
    "GraphStore": "graph_hcl.data",
}


def __getattr__(name: str) -> Any:
    # Imported lazily, so that `import graph_hcl` and `--help` do not import torch.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
