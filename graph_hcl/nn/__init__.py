"""Encoders, read-outs, projection heads and feature normalisation."""

from graph_hcl.nn.backbone import BACKBONES, make_backbone, width
from graph_hcl.nn.encoder import READOUTS, ContrastiveModel, GraphEncoder, normalize

__all__ = [
    "BACKBONES",
    "READOUTS",
    "ContrastiveModel",
    "GraphEncoder",
    "make_backbone",
    "normalize",
    "width",
]
