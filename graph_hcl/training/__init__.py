"""The training loop, its callbacks and checkpoints, and the folder of a run."""

from graph_hcl.training.batches import index_batches
from graph_hcl.training.callbacks import (
    Callback,
    CheckpointWriter,
    Diagnosis,
    Log,
    ProgressBar,
    Snapshot,
)
from graph_hcl.training.checkpoint import Checkpoint
from graph_hcl.training.diagnosis import diagnose
from graph_hcl.training.embedding import embed
from graph_hcl.training.folder import RunFolder
from graph_hcl.training.loop import fit
from graph_hcl.training.state import TrainingSettings, TrainState, set_seed

__all__ = [
    "Callback",
    "Checkpoint",
    "CheckpointWriter",
    "Diagnosis",
    "Log",
    "ProgressBar",
    "RunFolder",
    "Snapshot",
    "TrainState",
    "TrainingSettings",
    "diagnose",
    "embed",
    "fit",
    "index_batches",
    "set_seed",
]
