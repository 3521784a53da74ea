"""Encoders, read-outs, projection heads and feature normalisation."""

from graph_hcl.nn.backbone import BACKBONES, DEFAULTS, make_backbone, width
from graph_hcl.nn.encoder import READOUTS, ContrastiveModel, GraphEncoder, normalize
from graph_hcl.nn.evaluating import check_independent

__all__ = [
    "BACKBONES",
    "DEFAULTS",
    "READOUTS",
    "ContrastiveModel",
    "GraphEncoder",
    "check_independent",
    "make_backbone",
    "normalize",
    "width",
]
