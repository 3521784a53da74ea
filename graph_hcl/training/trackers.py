"""Epochs passed to experiment trackers, through the loggers of Lightning."""

from __future__ import annotations

import importlib
import secrets
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.registries import LOGGERS
from graph_hcl.training.callbacks import Callback
from graph_hcl.training.state import TrainState

REQUIRES = {
    "tensorboard": (("lightning_fabric", "lightning"), ("tensorboard", "tensorboardX")),
    "wandb": (("pytorch_lightning", "lightning"), ("wandb",)),
    "mlflow": (("pytorch_lightning", "lightning"), ("mlflow",)),
}
"""The packages that each logger needs: one of each group."""

FITS = Path("runs", "GraphContrast")
"""The folder that stands for the run folder of fits without one, in the working directory."""
METHODS = ("log_hyperparams", "log_metrics", "finalize")
"""What is called of a logger."""


class Logger(Protocol):
    """What is asked of a logger: three methods of Lightning Fabric's `Logger`."""

    def log_hyperparams(self, params: Any, /) -> None:
        """Keep the settings of the training."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Keep the numbers of an epoch."""

    def finalize(self, status: str) -> None:
        """Close the logger; `status` is success or failed."""


@names_arguments()
class Tracker(Callback):
    """Pass the settings and the numbers of each epoch to a logger, such as one of Lightning's.

    Comes after callbacks that add to the record, such as `Diagnosis`. `settings` by name may be
    nested. Values that are no numbers are left out of an epoch's. Raises `UserError` for a logger
    that lacks one of the methods of `Logger`.

    >>> class Printer:
    ...     def log_hyperparams(self, params):
    ...         print(params)
    ...     def log_metrics(self, metrics, step=None):
    ...         print(step, metrics)
    ...     def finalize(self, status):
    ...         print(status)
    >>> tracker = Tracker(Printer(), {"lr": 0.1})
    >>> tracker.on_train_start(None)
    {'lr': 0.1}
    """

    def __init__(self, logger: Logger, settings: dict[str, Any] | None = None) -> None:
        lacking = [name for name in METHODS if not callable(getattr(logger, name, None))]
        if isinstance(logger, type) or lacking:
            raise UserError(
                f"Expected a logger with the methods {', '.join(METHODS)}, such as one of "
                f"Lightning, but got {logger!r:.60}"
                f"{f' without {lacking[0]}' if lacking else ': give an instance'}."
            )
        self.logger = logger
        self.settings = settings

    def on_train_start(self, state: TrainState) -> None:
        """Pass the settings on to a logger that can keep them."""
        if self.settings is not None:
            with suppress(NotImplementedError):  # as that of Fabric's CSVLogger
                self.logger.log_hyperparams(self.settings)

    def on_epoch_end(self, state: TrainState) -> None:
        """Pass the numbers of the epoch on, but for its number, which is the step."""
        numbers = {
            name: float(value)
            for name, value in state.record.items()
            if name != "epoch" and isinstance(value, int | float)
        }
        self.logger.log_metrics(numbers, step=state.epoch)

    def on_train_end(self, state: TrainState) -> None:
        """Close the logger."""
        self.logger.finalize("success" if state.finished else "failed")


def check_logger(name: str | None) -> None:
    """Raise `UserError` for an unknown logger, and for one whose packages are not installed.

    >>> check_logger(None)
    """
    if name is None:
        return
    LOGGERS.get(name)
    for group in REQUIRES.get(name, ()):
        if not any(map(find_spec, group)):
            raise UserError(
                f"Expected {' or '.join(group)} to be installed for --logger {name}, but it is "
                f"not: pip install 'graph_hcl[{name}]'."
            )


def make_logger(name: str, folder: Path, part: str) -> Logger:
    """Return the logger of one part of a run, by name or by the import path of what makes it.

    What the import path names is called with the run folder and the name of the part.

    Args:
        name: tensorboard, wandb, mlflow, or an import path.
        folder: the run folder.
        part: name of the part.

    Raises as `check_logger` does.
    """
    check_logger(name)
    try:
        logger: Logger = LOGGERS.get(name)(folder, part)
    except ImportError as error:
        raise UserError(f"The logger {name} cannot be made: {error}.") from error
    return logger


def fit_logger(name: str) -> Logger:
    """Return the logger of one fit that has no run folder, in `runs/GraphContrast`.

    Its part is the time and some random letters, so that fits in several processes stay apart.
    Raises as `check_logger` does.
    """
    part = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    return make_logger(name, FITS, part)


def tensorboard(folder: Path, part: str) -> Logger:
    """Return Lightning Fabric's TensorBoard logger, which writes to `tensorboard` in the folder."""
    loggers = _first("lightning_fabric.loggers", "lightning.fabric.loggers")
    logger: Logger = loggers.TensorBoardLogger(folder, name="tensorboard", version=part)
    return logger


def wandb(folder: Path, part: str) -> Logger:
    """Return Lightning's logger of Weights & Biases; $WANDB_PROJECT names the project."""
    loggers = _first("pytorch_lightning.loggers", "lightning.pytorch.loggers")
    logger: Logger = loggers.WandbLogger(
        name=f"{folder.name}-{part}", save_dir=folder, group=folder.name, reinit="create_new"
    )
    return logger


def mlflow(folder: Path, part: str) -> Logger:
    """Return Lightning's MLflow logger; $MLFLOW_TRACKING_URI names the server."""
    loggers = _first("pytorch_lightning.loggers", "lightning.pytorch.loggers")
    logger: Logger = loggers.MLFlowLogger(folder.name, run_name=part)
    return logger


def _first(*names: str) -> Any:
    """Return the first of some modules that is installed."""
    return importlib.import_module(next(n for n in names if find_spec(n.partition(".")[0])))
