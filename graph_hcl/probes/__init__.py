"""Measuring frozen embeddings: probes, splits, protocols, statistics."""

from graph_hcl.probes.classifiers import C_GRID, PROBES, Probe
from graph_hcl.probes.evaluation import Evaluation, FoldScore, summarize
from graph_hcl.probes.protocols import PROTOCOLS, inductive, resolve_protocol, transductive
from graph_hcl.probes.splits import Fold, read_splits, stratified_folds
from graph_hcl.probes.statistics import (
    PairedDifference,
    corrected_resampled_t_test,
    majority_accuracy,
)

__all__ = [
    "C_GRID",
    "PROBES",
    "PROTOCOLS",
    "Evaluation",
    "Fold",
    "FoldScore",
    "PairedDifference",
    "Probe",
    "corrected_resampled_t_test",
    "inductive",
    "majority_accuracy",
    "read_splits",
    "resolve_protocol",
    "stratified_folds",
    "summarize",
    "transductive",
]
