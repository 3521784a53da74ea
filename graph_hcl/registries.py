"""The registries: for each kind of part, the names and import paths of all parts.

A new part is one new file and one line here. Parts are imported when they are used, so `--help`
lists their names without importing torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from graph_hcl.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from graph_hcl.data.sources import Source

OBJECTIVES: Registry[Callable[..., nn.Module]] = Registry(
    "objective",
    {
        "ucl": "graph_hcl.losses:UCL",
        "scl": "graph_hcl.losses:SCL",
        "h-ucl": "graph_hcl.losses:HUCL",
        "h-scl": "graph_hcl.losses:HSCL",
        "nt-xent": "graph_hcl.losses:NTXent",
        "supcon": "graph_hcl.losses:SupCon",
        "infograph": "graph_hcl.losses:InfoGraph",
        "h-infograph": "graph_hcl.losses:HInfoGraph",
        "cross-entropy": "graph_hcl.losses:CrossEntropy",
    },
    offers=("__call__",),
)
"""The losses by the names of `--objective`."""

HARDENINGS: Registry[Callable[..., Any]] = Registry(
    "hardening",
    {
        "none": "graph_hcl.losses:NoHardening",
        "exponential": "graph_hcl.losses:Exponential",
        "power": "graph_hcl.losses:PowerMean",
        "bell": "graph_hcl.losses:Bell",
        "threshold": "graph_hcl.losses:Threshold",
        "effective-sample-size": "graph_hcl.losses:EffectiveSampleSize",
        "class-mass": "graph_hcl.losses:ClassMass",
    },
)
"""The hardenings by the names of `--loss.hardening`."""

PSIS: Registry[Callable[..., Any]] = Registry(
    "psi",
    {
        "infonce": "graph_hcl.losses:InfoNCE",
        "triplet": "graph_hcl.losses:Triplet",
        "logistic": "graph_hcl.losses:Logistic",
    },
    offers=("__call__",),
)
"""The ψ of arXiv 2311.05139 by the names of `--loss.psi`."""

BACKBONES: Registry[Callable[..., nn.Module]] = Registry(
    "backbone",
    {
        "gin": "graph_hcl.nn.layers:GIN",
        "gine": "graph_hcl.nn.networks:GINE",
        "gps": "graph_hcl.nn.gps:GPS",
        "gcn": "graph_hcl.nn.layers:GCN",
        "graphsage": "graph_hcl.nn.layers:GraphSAGE",
        "gat": "graph_hcl.nn.networks:GAT",
        "pna": "graph_hcl.nn.networks:PNA",
        "edgecnn": "graph_hcl.nn.networks:EdgeCNN",
    },
    offers=("forward",),
)
"""The networks by the names of `--backbone`."""

READOUTS: Registry[Callable[..., Tensor]] = Registry(
    "readout",
    {
        "sum": "torch_geometric.nn:global_add_pool",
        "mean": "torch_geometric.nn:global_mean_pool",
        "max": "torch_geometric.nn:global_max_pool",
    },
)
"""The read-outs by the names of `--readout`."""

NORMALIZATIONS: Registry[Callable[[Tensor], Tensor]] = Registry(
    "normalization",
    {
        "sphere": "graph_hcl.losses.precision:unit",
        "ball": "graph_hcl.losses.precision:shorten",
        "none": "graph_hcl.nn.model:unchanged",
    },
)
"""The normalisations of features by name."""

AUGMENTATIONS: Registry[Callable[..., Any]] = Registry(
    "augmentation",
    {
        "identity": "graph_hcl.augment:Identity",
        "edge_drop": "graph_hcl.augment:EdgeDrop",
        "edge_add": "graph_hcl.augment:EdgeAdd",
        "edge_mask": "graph_hcl.augment:EdgeMask",
        "node_drop": "graph_hcl.augment:NodeDrop",
        "feature_mask": "graph_hcl.augment:FeatureMask",
        "column_mask": "graph_hcl.augment:ColumnMask",
        "subgraph": "graph_hcl.augment:RandomWalkSubgraph",
    },
    offers=("__call__",),
)
"""The augmentations by the names that `--views` is written in."""

PROBES: Registry[Callable[..., Any]] = Registry(
    "probe",
    {
        "svm": "graph_hcl.probes.svm:svm",
        "nystroem-svm": "graph_hcl.probes.nystroem:nystroem_svm",
        "linear-svm": "graph_hcl.probes.linear:linear_svm",
        "logistic": "graph_hcl.probes.linear:logistic",
        "class-mean": "graph_hcl.probes.neighbours:class_mean",
        "knn": "graph_hcl.probes.neighbours:knn",
        "majority": "graph_hcl.probes.neighbours:majority",
        "ridge": "graph_hcl.probes.regression:ridge",
        "svr": "graph_hcl.probes.regression:svr",
    },
)
"""The probes by the names of `--probe.name`."""

PROTOCOLS: Registry[type[Any]] = Registry(
    "protocol",
    {
        "transductive": "graph_hcl.probes.protocols:Transductive",
        "inductive": "graph_hcl.probes.protocols:Inductive",
    },
)
"""The protocols by the names of `--protocol`."""

BASELINES: Registry[Callable[..., Any]] = Registry(
    "baseline",
    {
        "majority": "graph_hcl.baselines.baseline:majority_baseline",
        "bag": "graph_hcl.baselines.baseline:bag_baseline",
        "wl-subtree": "graph_hcl.baselines.baseline:wl_subtree_baseline",
        "wl-oa": "graph_hcl.baselines.baseline:wl_oa_baseline",
    },
)
"""The baselines by name."""


OPTIMIZERS: Registry[Callable[..., Optimizer]] = Registry(
    "optimizer",
    {
        "adam": "torch.optim:Adam",
        "adamw": "torch.optim:AdamW",
        "sgd": "torch.optim:SGD",
    },
)
LOGGERS: Registry[Callable[..., Any]] = Registry(
    "logger",
    {
        "tensorboard": "graph_hcl.training.trackers:tensorboard",
        "wandb": "graph_hcl.training.trackers:wandb",
        "mlflow": "graph_hcl.training.trackers:mlflow",
    },
)
"""The loggers by the names of `--logger`."""


SOURCES: Registry[Callable[[], Source]] = Registry(
    "source of graphs",
    {
        "digits": "graph_hcl.data.sources.digits:Digits",
        "ogb": "graph_hcl.data.sources.ogb:OGB",
        "table": "graph_hcl.data.sources.table:Table",
        "lines": "graph_hcl.data.sources.lines:Lines",
        "folder": "graph_hcl.data.sources.folder:Folder",
        "function": "graph_hcl.data.sources.function:Function",
        "tu": "graph_hcl.data.sources.tu:TU",
    },
)
"""The first source that recognises the name of a data set reads it."""

NAMED_BY: dict[str, Registry[Any]] = {
    "objective": OBJECTIVES,
    "backbone": BACKBONES,
    "readout": READOUTS,
    "loss.hardening": HARDENINGS,
    "loss.psi": PSIS,
    "optimizer.name": OPTIMIZERS,
    "probe.name": PROBES,
    "views": AUGMENTATIONS,
    "logger": LOGGERS,
}
"""Settings whose values are names of parts, with their registries."""
