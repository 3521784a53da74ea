"""Leak-free evaluation of frozen embeddings: protocols, probes, metrics and statistics."""

from graph_hcl.probes import linear, neighbours, svm  # noqa: F401 (they register the probes)
from graph_hcl.probes.evaluation import Evaluation, FoldScore, MetricScores, summarize
from graph_hcl.probes.kernel import kernel_svm
from graph_hcl.probes.labels import check_labels
from graph_hcl.probes.measure import inductive, transductive
from graph_hcl.probes.metrics import METRICS, Metric, find_metric
from graph_hcl.probes.probe import PROBES, Probe, ProbeInput, ProbeResult, without_selection
from graph_hcl.probes.protocol import EvaluationProtocol, Part
from graph_hcl.probes.protocols import (
    PROTOCOLS,
    Inductive,
    Transductive,
    make_protocol,
    resolve_protocol,
)
from graph_hcl.probes.rare import RareClassWarning
from graph_hcl.probes.search import C_GRID, Prediction, search
from graph_hcl.probes.split_files import read_splits
from graph_hcl.probes.splits import Fold, stratified_folds
from graph_hcl.probes.statistics import PairedDifference, corrected_t_test, majority_accuracy
from graph_hcl.probes.table import ResultTable
from graph_hcl.probes.targets import Targets

__all__ = [
    "C_GRID",
    "METRICS",
    "PROBES",
    "PROTOCOLS",
    "Evaluation",
    "EvaluationProtocol",
    "Fold",
    "FoldScore",
    "Inductive",
    "Metric",
    "MetricScores",
    "PairedDifference",
    "Part",
    "Prediction",
    "Probe",
    "ProbeInput",
    "ProbeResult",
    "RareClassWarning",
    "ResultTable",
    "Targets",
    "Transductive",
    "check_labels",
    "corrected_t_test",
    "find_metric",
    "inductive",
    "kernel_svm",
    "majority_accuracy",
    "make_protocol",
    "read_splits",
    "resolve_protocol",
    "search",
    "stratified_folds",
    "summarize",
    "transductive",
    "without_selection",
]
