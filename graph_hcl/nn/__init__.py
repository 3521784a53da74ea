"""Encoders, read-outs, projection heads and feature normalisation.

`make_backbone` makes a network by name, `GraphEncoder` adds a read-out to any, and
`ContrastiveModel` a projection head and `normalize`.
"""

from graph_hcl.nn.backbone import (
    infer_out_channels,
    make_backbone,
)
from graph_hcl.nn.encoder import GraphEncoder
from graph_hcl.nn.evaluating import check_independent
from graph_hcl.nn.model import ContrastiveModel, ContrastiveNetwork, normalize
from graph_hcl.nn.noise import perturbed
from graph_hcl.nn.readout import make_readout
from graph_hcl.registries import BACKBONES, READOUTS

__all__ = [
    "BACKBONES",
    "READOUTS",
    "ContrastiveModel",
    "ContrastiveNetwork",
    "GraphEncoder",
    "check_independent",
    "infer_out_channels",
    "make_backbone",
    "make_readout",
    "normalize",
    "perturbed",
]
