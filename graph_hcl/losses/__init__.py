"""Contrastive losses with hard negatives; needs torch alone.

`graph_hcl.losses.functional` has the formulas, the classes here hold their settings.
"""

from graph_hcl.losses.adaptive import ClassMass, EffectiveSampleSize
from graph_hcl.losses.contrastive import ContrastiveLoss
from graph_hcl.losses.finite import NotFinite
from graph_hcl.losses.functional import contrastive_loss, jensen_shannon_loss, psi_loss
from graph_hcl.losses.gather import DistributedGather, Gather
from graph_hcl.losses.hardening import (
    Adaptive,
    Bell,
    Exponential,
    LogEta,
    NoHardening,
    PowerMean,
    Threshold,
)
from graph_hcl.losses.infograph import HInfoGraph, InfoGraph
from graph_hcl.losses.memory_bank import MemoryBank
from graph_hcl.losses.modules import HSCL, HUCL, SCL, UCL, NTXent, SupCon
from graph_hcl.losses.objective import (
    Epoch,
    Objective,
    ObjectiveInput,
    ObjectiveTags,
    as_objective,
)
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.psi import InfoNCE, Logistic, Psi, Triplet
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.supervised import CrossEntropy
from graph_hcl.registries import HARDENINGS, OBJECTIVES, PSIS

__all__ = [
    "HARDENINGS",
    "HSCL",
    "HUCL",
    "OBJECTIVES",
    "PSIS",
    "SCL",
    "UCL",
    "Adaptive",
    "Bell",
    "ClassMass",
    "ContrastiveLoss",
    "CrossEntropy",
    "DistributedGather",
    "EffectiveSampleSize",
    "Epoch",
    "Exponential",
    "Gather",
    "HInfoGraph",
    "InfoGraph",
    "InfoNCE",
    "LogEta",
    "Logistic",
    "LossSettings",
    "MemoryBank",
    "NTXent",
    "NoHardening",
    "NotFinite",
    "Objective",
    "ObjectiveInput",
    "ObjectiveTags",
    "Pairs",
    "PowerMean",
    "Psi",
    "SupCon",
    "Threshold",
    "Triplet",
    "as_objective",
    "contrastive_loss",
    "jensen_shannon_loss",
    "psi_loss",
]
