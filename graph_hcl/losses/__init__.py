"""Contrastive losses with hard negatives; needs torch alone."""

from graph_hcl.losses.contrastive import contrastive_loss
from graph_hcl.losses.hardening import HARDENINGS, Exponential, LogEta, NoHardening, Threshold
from graph_hcl.losses.objectives import (
    HSCL,
    HUCL,
    OBJECTIVES,
    SCL,
    UCL,
    Contrast,
    NTXent,
    SupCon,
    hardness_weights,
)
from graph_hcl.losses.pairs import Pairs

__all__ = [
    "HARDENINGS",
    "HSCL",
    "HUCL",
    "OBJECTIVES",
    "SCL",
    "UCL",
    "Contrast",
    "Exponential",
    "LogEta",
    "NTXent",
    "NoHardening",
    "Pairs",
    "SupCon",
    "Threshold",
    "contrastive_loss",
    "hardness_weights",
]
