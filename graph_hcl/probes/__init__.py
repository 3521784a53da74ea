"""Leak-free evaluation of frozen embeddings: protocols, probes, metrics and statistics.

`evaluate` and `inductive` measure, `compare` tells two `Evaluation`s apart; `PROBES`, `METRICS` and
`PROTOCOLS` are the names to choose from, `ProbeInput` and `ProbeResult` what a probe of one's own
takes and returns, and `Targets` and `Fold` what it is measured on.
"""

from graph_hcl.probes.choice import find_probe
from graph_hcl.probes.comparison import compare, paired_difference
from graph_hcl.probes.evaluation import Evaluation, summarize
from graph_hcl.probes.fold_score import FoldScore
from graph_hcl.probes.kernel import kernel_svm
from graph_hcl.probes.labels import check_labels
from graph_hcl.probes.measure import evaluate, inductive
from graph_hcl.probes.metric import Metric
from graph_hcl.probes.metric_scores import MetricScores
from graph_hcl.probes.metrics import METRICS, find_metric
from graph_hcl.probes.probe import Probe, ProbeInput, ProbeResult, serves, without_selection
from graph_hcl.probes.protocol import EvaluationProtocol, Part
from graph_hcl.probes.protocols import Inductive, Transductive
from graph_hcl.probes.rare import RareClassWarning
from graph_hcl.probes.resolve import make_protocol
from graph_hcl.probes.search import C_GRID, Prediction, search
from graph_hcl.probes.split_files import read_splits
from graph_hcl.probes.splits import Fold, stratified_folds
from graph_hcl.probes.statistics import (
    PairedDifference,
    corrected_interval,
    corrected_t_test,
    holm,
    majority_accuracy,
)
from graph_hcl.probes.table import ResultTable
from graph_hcl.probes.targets import Targets
from graph_hcl.registries import PROBES, PROTOCOLS

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
    "compare",
    "corrected_interval",
    "corrected_t_test",
    "evaluate",
    "find_metric",
    "find_probe",
    "holm",
    "inductive",
    "kernel_svm",
    "majority_accuracy",
    "make_protocol",
    "paired_difference",
    "read_splits",
    "search",
    "serves",
    "stratified_folds",
    "summarize",
    "without_selection",
]
