"""The packages whose public names are documented and tested."""

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
    "graph_hcl.plot",
    "graph_hcl.errors",
)
