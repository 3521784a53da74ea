"""Views of a batch: random edits, drawn for all graphs at once and applied with one relabelling.

An augmentation is called with a batch and a generator and returns an `Edit`, which `apply` applies;
`sample_view` does both. `ViewSampler` draws the views of a training, of several small batches in
one call. `drop_edge`, `add_edge`, `mask_edge`, `drop_node`, `mask_feature` and
`random_walk_subgraph` are the same augmentations on tensors, without a batch.

Undirected graphs stay undirected, no graph loses all its nodes, fields of nodes, edges and graphs
stay with them, and the batch itself is never changed.
"""

from graph_hcl.augment.apply_edit import apply, sample_view
from graph_hcl.augment.basic import (
    ColumnMask,
    EdgeAdd,
    EdgeDrop,
    EdgeMask,
    FeatureMask,
    Identity,
    NodeDrop,
)
from graph_hcl.augment.combine import Compose, RandomChoice
from graph_hcl.augment.edit import Augmentation, Edit
from graph_hcl.augment.functional import (
    add_edge,
    drop_edge,
    drop_node,
    mask_edge,
    mask_feature,
    random_walk_subgraph,
)
from graph_hcl.augment.sampler import SampledView, View, ViewSampler
from graph_hcl.augment.subgraph import RandomWalkSubgraph
from graph_hcl.augment.text import parse, spec
from graph_hcl.registries import AUGMENTATIONS

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "ColumnMask",
    "Compose",
    "EdgeAdd",
    "EdgeDrop",
    "EdgeMask",
    "Edit",
    "FeatureMask",
    "Identity",
    "NodeDrop",
    "RandomChoice",
    "RandomWalkSubgraph",
    "SampledView",
    "View",
    "ViewSampler",
    "add_edge",
    "apply",
    "drop_edge",
    "drop_node",
    "mask_edge",
    "mask_feature",
    "parse",
    "random_walk_subgraph",
    "sample_view",
    "spec",
]
