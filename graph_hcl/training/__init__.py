"""The training loop, its checkpoints, and the folder of a run."""

from graph_hcl.training.checkpoint import Checkpoint
from graph_hcl.training.diagnosis import diagnose
from graph_hcl.training.folder import RunFolder
from graph_hcl.training.loop import TrainingSettings, batches, embed, fit, set_seed

__all__ = [
    "Checkpoint",
    "RunFolder",
    "TrainingSettings",
    "batches",
    "diagnose",
    "embed",
    "fit",
    "set_seed",
]
