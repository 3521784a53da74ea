"""Callbacks of the training loop: diagnosis, log, progress bar, snapshots and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from graph_hcl.errors import UserError
from graph_hcl.interrupts import asked, stop_if_asked
from graph_hcl.keywords import names_arguments
from graph_hcl.progress import Progress
from graph_hcl.ranges import Range
from graph_hcl.setting_checks import check_setting, check_value
from graph_hcl.training.checkpoint import Checkpoint, state_tensors
from graph_hcl.training.diagnosis import diagnose, diagnose_temperature
from graph_hcl.training.divergence import check_finite
from graph_hcl.training.inputs import check_function
from graph_hcl.training.state import TrainState

CHECKPOINT_INTERVAL = 0.5
"""Least seconds between two checkpoints: one after each short epoch would double its time."""
DIAGNOSE_EVERY = 12
"""Least number of batches between two diagnoses, each of which takes a third of a batch's time:
less than 3 % of the training."""
MATCH_EVERY = 96
"""Least number of batches between two diagnoses of the temperature, each of which takes as long as
a batch or two."""


@runtime_checkable
class Callback(Protocol):
    """Called by `fit` around its epochs, in the order in which callbacks are given.

    Derive from it, and a method that is not overridden does nothing; any other object with these
    three methods will do. They may read all of the `TrainState`, and add numbers to its `record`:
    NumPy's, and tensors of one number, become Python's own for the callbacks after them.

    >>> class Margin(Callback):
    ...     def on_epoch_end(self, state):
    ...         state.record["above"] = state.loss - 4.0
    >>> isinstance(Margin(), Callback), isinstance(print, Callback)
    (True, False)
    """

    def on_train_start(self, state: TrainState) -> None:
        """Called once before the first epoch, after a checkpoint has been loaded."""
        return  # a body: derived classes need not override it

    def on_epoch_end(self, state: TrainState) -> None:
        """Called after each epoch; the model may be left in evaluation mode."""
        return  # a body: derived classes need not override it

    def on_train_end(self, state: TrainState) -> None:
        """Called once at the end, also after an error."""
        return  # a body: derived classes need not override it


def as_callbacks(callbacks: Any) -> list[Callback]:
    """Return a list of callbacks; raise `UserError` for anything that is none, such as a class.

    >>> as_callbacks([])
    []
    """
    if not isinstance(callbacks, Iterable):
        raise UserError(
            f"Expected callbacks to be a list, but got {callbacks!r:.60}: write callbacks=[…]."
        )
    found = list(callbacks)
    for callback in found:
        if isinstance(callback, type) or not isinstance(callback, Callback):
            raise UserError(
                "Expected callbacks with the methods on_train_start, on_epoch_end and "
                f"on_train_end, but got {callback!r}: give an instance of a class that derives "
                "from graph_hcl.training.Callback."
            )
    return found


@names_arguments()
class Diagnosis(Callback):
    """Add what `diagnose` returns for the largest batch to the record of an epoch.

    Done in the first epoch, the last, and once in `every` batches; callbacks that read the record
    come after this one.

    Args:
        diagnose: called with z, graph, label and objective of the batch.
        every: number of batches between two diagnoses.

    Raises `UserError` for what is no function, and for a number below 1.

    >>> import networkx as nx
    >>> from graph_hcl import GraphContrast
    >>> graphs = [nx.path_graph(n) for n in range(2, 10)]
    >>> history = History()
    >>> model = GraphContrast(epochs=2, hidden=8, callbacks=[Diagnosis(), history])
    >>> model = model.fit(graphs)
    >>> "effective_rank" in history.rows[-1]
    True
    """

    def __init__(
        self,
        diagnose: Callable[..., dict[str, float]] = diagnose,
        every: int = DIAGNOSE_EVERY,
    ) -> None:
        check_function("diagnose", diagnose, "z, graph, label and the objective")
        check_value("every", every, int, Range(1))
        self.diagnose = diagnose
        self.every = every

    def on_epoch_end(self, state: TrainState) -> None:
        """Diagnose the epoch if it is due."""
        if state.largest_batch is None:
            return
        first_or_last = state.epoch in (1, state.epochs)
        if first_or_last or state.epoch % math.ceil(self.every / state.num_batches) == 0:
            state.record |= self.diagnose(*state.largest_batch, state.objective)


@names_arguments()
class TemperatureDiagnosis(Diagnosis):
    """Add what `diagnose_temperature` returns, which takes as long as a batch, less often.

    >>> import networkx as nx
    >>> from graph_hcl import GraphContrast
    >>> graphs = [nx.path_graph(n) for n in range(2, 10)]
    >>> history = History()
    >>> model = GraphContrast(epochs=2, hidden=8, callbacks=[TemperatureDiagnosis(), history])
    >>> model = model.fit(graphs)
    >>> history.rows[-1]["temperature"]
    0.5
    """

    def __init__(self, every: int = MATCH_EVERY) -> None:
        super().__init__(diagnose_temperature, every)


@names_arguments()
class Log(Callback):
    """Pass the record of each epoch (epoch, loss, seconds, graphs per second, …) to `write`.

    Raises `UserError` for what is no function.

    >>> import networkx as nx
    >>> from graph_hcl import GraphContrast
    >>> graphs = [nx.path_graph(n) for n in range(2, 10)]
    >>> log = Log(lambda record: print(record["epoch"]))
    >>> model = GraphContrast(epochs=2, hidden=8, callbacks=[log])
    >>> model = model.fit(graphs)
    1
    2
    """

    def __init__(self, write: Callable[[dict[str, Any]], None]) -> None:
        check_function("write", write, "the record of an epoch")
        self.write = write

    def on_epoch_end(self, state: TrainState) -> None:
        """Write the record."""
        self.write(state.record)


class History(Callback):
    """Keep the record of each epoch in `rows`, as dictionaries with epoch, loss, seconds, ….

    Comes after callbacks that add to the record. A new training begins with no rows; one that is
    resumed goes on after those before.

    >>> import networkx as nx
    >>> from graph_hcl import GraphContrast
    >>> graphs = [nx.path_graph(n) for n in range(2, 10)]
    >>> history = History()
    >>> model = GraphContrast(epochs=2, hidden=8, callbacks=[history]).fit(graphs)
    >>> [record["epoch"] for record in history.rows]
    [1, 2]
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def on_train_start(self, state: TrainState) -> None:
        """Forget the epochs of another training: those that this one has still to do."""
        self.rows = [row for row in self.rows if row["epoch"] <= state.epoch]

    def on_epoch_end(self, state: TrainState) -> None:
        """Keep a copy of the record."""
        self.rows.append(dict(state.record))


@names_arguments()
class ProgressBar(Callback):
    """Show the number of finished epochs, the loss and the speed on stderr."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._progress: Progress | None = None

    def on_train_start(self, state: TrainState) -> None:
        """Show the bar."""
        self._progress = Progress(self.title, state.epochs, "epoch", done=state.epoch)

    def on_epoch_end(self, state: TrainState) -> None:
        """Advance the bar."""
        if self._progress is not None:
            rate = f"{state.graphs_per_second:.0f}"
            self._progress.update(loss=f"{state.loss:#.5g}", graphs_per_s=rate)

    def on_train_end(self, state: TrainState) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.close()


class Snapshot(Callback):
    """Call `take(state)` after each epoch; it may put the model into evaluation mode.

    Raises `UserError` for what is no function.

    >>> import networkx as nx
    >>> from graph_hcl import GraphContrast
    >>> graphs = [nx.path_graph(n) for n in range(2, 10)]
    >>> snapshot = Snapshot(lambda state: print(state.epoch))
    >>> model = GraphContrast(epochs=2, hidden=8, callbacks=[snapshot])
    >>> model = model.fit(graphs)
    1
    2
    """

    def __init__(self, take: Callable[[TrainState], None]) -> None:
        check_function("take", take, "the state of a training")
        self.take = take

    def on_epoch_end(self, state: TrainState) -> None:
        """Take the snapshot."""
        self.take(state)


class KeepState(Callback):
    """Keep the tensors of the last epoch, from which a checkpoint can be written later.

    >>> import networkx as nx
    >>> from graph_hcl import GraphContrast
    >>> graphs = [nx.path_graph(n) for n in range(2, 10)]
    >>> kept = KeepState()
    >>> model = GraphContrast(epochs=2, hidden=8, callbacks=[kept]).fit(graphs)
    >>> sorted(kept.tensors)[0]
    'model.encoder.backbone.convs.0.eps'
    """

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}

    def on_train_end(self, state: TrainState) -> None:
        """Keep the tensors."""
        self.tensors = state_tensors(state)


class CheckpointWriter(Callback):
    """Write a checkpoint after the first epoch, the last, and others `interval` seconds apart.

    Inside an epoch it is written after each `every` steps, and where a signal asks to end.
    `fit` adds it itself, after all other callbacks: an epoch that is in the checkpoint has been
    logged. Raises `UserError` for numbers that are not finite; the previous file stays. So it does
    when it is made for an `every` below 1.

    Args:
        checkpoint: the file.
        interval: least seconds between two of them.
        every: number of steps inside an epoch after which it is written, too.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        interval: float = CHECKPOINT_INTERVAL,
        every: int | None = None,
    ) -> None:
        check_setting("checkpoint_every", every)
        self.checkpoint = checkpoint
        self.interval = interval
        self.every = every
        self._written = -math.inf

    def on_epoch_end(self, state: TrainState) -> None:
        """Write the file if it is due."""
        is_due = state.epoch == state.epochs or asked() is not None
        if is_due or time.monotonic() - self._written >= self.interval:
            self._write(state)

    def on_step_end(self, state: TrainState) -> None:
        """Write the file inside an epoch if it is due; raise `Interrupted` if asked to end."""
        is_asked = asked() is not None
        if is_asked or (self.every is not None and state.step % self.every == 0):
            self._write(state)
        stop_if_asked()

    def _write(self, state: TrainState) -> None:
        if state.step:  # otherwise the whole epoch has been checked
            check_finite(state)
        self.checkpoint.save(state)
        self._written = time.monotonic()
