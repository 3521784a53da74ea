"""Views of a batch: edits on nodes, edges and features, drawn for all graphs at once."""

from graph_hcl.augment.basic import (
    AUGMENTATIONS,
    Augmentation,
    ColumnMask,
    EdgeAdd,
    EdgeDrop,
    FeatureMask,
    Identity,
    NodeDrop,
)
from graph_hcl.augment.combine import Compose, RandomChoice, view
from graph_hcl.augment.edit import Edit, apply
from graph_hcl.augment.spec import parse
from graph_hcl.augment.subgraph import RandomWalkSubgraph

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
    "parse",
    "view",
]
