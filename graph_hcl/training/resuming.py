"""A training that goes on from its checkpoint, where the two belong together."""

from __future__ import annotations

from graph_hcl.errors import UserError
from graph_hcl.training.checkpoint import Checkpoint, label_of_objective
from graph_hcl.training.state import TrainState
from graph_hcl.warn import warn_user


def resume(checkpoint: Checkpoint, state: TrainState) -> None:
    """Bring a training to where it was saved; warn where nothing is left to train.

    Raises `UserError` as `Checkpoint.resume` does, and for a training of another seed or, where the
    file tells it, another objective, which would go on as the saved one without a word. The file of
    a run is known to be of its settings.
    """
    wanted = state.generators["shuffle"].initial_seed(), label_of_objective(state.objective)
    checkpoint.resume(state)
    if checkpoint.run:
        return
    saved = checkpoint.state()
    # A generator that takes another's state takes its seed, too.
    found = state.generators["shuffle"].initial_seed(), saved.objective if saved else ""
    for what, then, now in zip(("the seed", "the objective"), found, wanted, strict=True):
        if then not in (now, ""):
            raise UserError(
                f"Expected the training in {checkpoint.path} to go on with {what} {then}, but got "
                f"{now}: give that one, or name another file for a new training."
            )
    if state.epoch >= state.epochs:
        warn_user(
            f"The training in {checkpoint.path} has all {state.epochs} epochs: nothing was left to "
            "train."
        )
