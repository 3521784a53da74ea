"""The training loop, its callbacks and checkpoints, and the folder of a run."""

from graph_hcl.training.batches import index_batches
from graph_hcl.training.callbacks import (
    Callback,
    CheckpointWriter,
    Diagnosis,
    History,
    KeepState,
    Log,
    ProgressBar,
    Snapshot,
    TemperatureDiagnosis,
)
from graph_hcl.training.checkpoint import Checkpoint
from graph_hcl.training.collapse import CollapseCheck, warn_of_collapse
from graph_hcl.training.diagnosis import describe_temperature, diagnose, diagnose_temperature
from graph_hcl.training.embedding import embed, embed_nodes
from graph_hcl.training.folder import RunFolder
from graph_hcl.training.loop import fit
from graph_hcl.training.state import TrainingSettings, TrainState, set_seed
from graph_hcl.training.trackers import Logger, Tracker, check_logger, make_logger

__all__ = [
    "Callback",
    "Checkpoint",
    "CheckpointWriter",
    "CollapseCheck",
    "Diagnosis",
    "History",
    "KeepState",
    "Log",
    "Logger",
    "ProgressBar",
    "RunFolder",
    "Snapshot",
    "TemperatureDiagnosis",
    "Tracker",
    "TrainState",
    "TrainingSettings",
    "check_logger",
    "describe_temperature",
    "diagnose",
    "diagnose_temperature",
    "embed",
    "embed_nodes",
    "fit",
    "index_batches",
    "make_logger",
    "set_seed",
    "warn_of_collapse",
]
