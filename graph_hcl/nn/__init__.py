"""Encoders, read-outs, projection heads and feature normalisation."""

from graph_hcl.nn.backbone import BACKBONES, DEFAULTS, infer_out_channels, make_backbone
from graph_hcl.nn.encoder import READOUTS, GraphEncoder
from graph_hcl.nn.evaluating import check_independent
from graph_hcl.nn.model import ContrastiveModel, ContrastiveNetwork, normalize
from graph_hcl.nn.noise import perturbed

__all__ = [
    "BACKBONES",
    "DEFAULTS",
    "READOUTS",
    "ContrastiveModel",
    "ContrastiveNetwork",
    "GraphEncoder",
    "check_independent",
    "infer_out_channels",
    "make_backbone",
    "normalize",
    "perturbed",
]
