"""Honest measurement of frozen embeddings: folds, probes, protocols and what scores are worth."""

from graph_hcl.probes import linear, neighbours, svm  # noqa: F401 (they register the probes)
from graph_hcl.probes.evaluation import Evaluation, FoldScore, summarize
from graph_hcl.probes.kernel import kernel_svm
from graph_hcl.probes.labels import check_labels
from graph_hcl.probes.plan import RareClassWarning, check_evaluation, outer_folds
from graph_hcl.probes.protocols import PROTOCOLS, inductive, resolve_protocol, transductive
from graph_hcl.probes.splits import Fold, read_splits, stratified_folds
from graph_hcl.probes.statistics import PairedDifference, corrected_t_test, majority_accuracy
from graph_hcl.probes.task import C_GRID, PROBES, Answer, Probe, Task, without_selection

__all__ = [
    "C_GRID",
    "PROBES",
    "PROTOCOLS",
    "Answer",
    "Evaluation",
    "Fold",
    "FoldScore",
    "PairedDifference",
    "Probe",
    "RareClassWarning",
    "Task",
    "check_evaluation",
    "check_labels",
    "corrected_t_test",
    "inductive",
    "kernel_svm",
    "majority_accuracy",
    "outer_folds",
    "read_splits",
    "resolve_protocol",
    "stratified_folds",
    "summarize",
    "transductive",
    "without_selection",
]
