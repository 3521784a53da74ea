"""The training loop, its callbacks and checkpoints, and the folder of a run.

`fit` trains a model, `embed` takes its embeddings; `Callback` is what is called around epochs, and
`TrainState` what it sees; `RunFolder` and `Checkpoint` are the files of a run.
"""

from graph_hcl.training.callbacks import (
    Callback,
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
from graph_hcl.training.diagnosis import diagnose, diagnose_temperature
from graph_hcl.training.embedding import embed, embed_nodes
from graph_hcl.training.folder import RunFolder
from graph_hcl.training.loop import fit
from graph_hcl.training.precision import MixedPrecision
from graph_hcl.training.state import TrainingSettings, TrainState, set_seed
from graph_hcl.training.trackers import Logger, Tracker

__all__ = [
    "Callback",
    "Checkpoint",
    "CollapseCheck",
    "Diagnosis",
    "History",
    "KeepState",
    "Log",
    "Logger",
    "MixedPrecision",
    "ProgressBar",
    "RunFolder",
    "Snapshot",
    "TemperatureDiagnosis",
    "Tracker",
    "TrainState",
    "TrainingSettings",
    "diagnose",
    "diagnose_temperature",
    "embed",
    "embed_nodes",
    "fit",
    "set_seed",
    "warn_of_collapse",
]
