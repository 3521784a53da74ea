"""Contrastive losses with hard negatives; needs torch alone."""

from graph_hcl.losses.adaptive import ClassMass, EffectiveSampleSize
from graph_hcl.losses.contrast import OBJECTIVES, Contrast
from graph_hcl.losses.contrastive import contrastive_loss
from graph_hcl.losses.dense import psi_loss
from graph_hcl.losses.hardening import HARDENINGS, Exponential, LogEta, NoHardening, Threshold
from graph_hcl.losses.infomax import HInfoGraph, InfoGraph, jensen_shannon_loss
from graph_hcl.losses.make import hardness_weights
from graph_hcl.losses.named import NTXent, SupCon
from graph_hcl.losses.objectives import HSCL, HUCL, SCL, UCL
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.psi import PSIS, InfoNCE, Logistic, Psi, Triplet
from graph_hcl.losses.queue import Queue
from graph_hcl.losses.supervised import CrossEntropy

__all__ = [
    "HARDENINGS",
    "HSCL",
    "HUCL",
    "OBJECTIVES",
    "PSIS",
    "SCL",
    "UCL",
    "ClassMass",
    "Contrast",
    "CrossEntropy",
    "EffectiveSampleSize",
    "Exponential",
    "HInfoGraph",
    "InfoGraph",
    "InfoNCE",
    "LogEta",
    "Logistic",
    "NTXent",
    "NoHardening",
    "Pairs",
    "Psi",
    "Queue",
    "SupCon",
    "Threshold",
    "Triplet",
    "contrastive_loss",
    "hardness_weights",
    "jensen_shannon_loss",
    "psi_loss",
]
