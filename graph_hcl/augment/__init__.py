"""Views of a batch: random edits, drawn for all graphs at once and applied with one relabelling.

An augmentation is called with a batch and a generator and returns an `Edit`; `apply` carries it
out, and `view` does both. `views` draws what a training needs: several small batches, and equal
views of them, in one call. Undirected graphs stay undirected, no graph loses all its nodes, fields
of nodes, edges and graphs follow them, and the batch itself is never changed.
"""

from graph_hcl.augment.basic import (
    AUGMENTATIONS,
    ColumnMask,
    EdgeAdd,
    EdgeDrop,
    FeatureMask,
    Identity,
    NodeDrop,
)
from graph_hcl.augment.combine import Compose, RandomChoice
from graph_hcl.augment.edit import Augmentation, Edit, apply, view
from graph_hcl.augment.spec import parse, spec
from graph_hcl.augment.stream import split, views
from graph_hcl.augment.subgraph import RandomWalkSubgraph
from graph_hcl.data.batch import concat

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "ColumnMask",
    "Compose",
    "EdgeAdd",
    "EdgeDrop",
    "Edit",
    "FeatureMask",
    "Identity",
    "NodeDrop",
    "RandomChoice",
    "RandomWalkSubgraph",
    "apply",
    "concat",
    "parse",
    "spec",
    "split",
    "view",
    "views",
]
