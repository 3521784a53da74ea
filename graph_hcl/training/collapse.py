"""A warning where the features of a trained model hardly differ, or lie on a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from graph_hcl import geometry
from graph_hcl.training.callbacks import Callback
from graph_hcl.training.state import TrainState
from graph_hcl.warn import warn_user

LEAST_SPREAD = 0.025
"""Share of the features' squared length that varies. In 20 epochs on MUTAG, 6 on IMDB-BINARY and 3
on digits with each objective, all trainings at learning rates of 0.001 and 0.01 end at 0.04 or
more, even those with β = 4 and 10 or T = 0.05; at 1e6 all end at 0.024 or less."""
LEAST_RANK = 1.5
"""Effective rank of features trained without labels. At learning rates of 0.001 and 0.01 the same
trainings end at 2.1 or more, at 1 some end at 1.3. With labels, the features of two classes may
well lie on a line."""
FEWEST = 8
"""Fewest graphs of a batch: the features of fewer may well lie on a line."""


class CollapseCheck(Callback):
    """Note in the record of the last epoch that the features have collapsed.

    `record["collapse"]` is then what `describe_collapse` says of the largest batch. Comes before
    callbacks that read the record. Nothing else of the training changes.

    >>> from graph_hcl import GraphContrast
    >>> model = GraphContrast(epochs=1, callbacks=[CollapseCheck()], random_state=0).fit("MUTAG")
    >>> "collapse" in model.history_[-1]
    False
    """

    def on_epoch_end(self, state: TrainState) -> None:
        """Look at the features after the last epoch."""
        batch = state.largest_batch
        if state.epoch < state.epochs or batch is None or len(batch.graph.unique()) < FEWEST:
            return
        if text := describe_collapse(batch.z, state.objective.tags.labels):
            state.record["collapse"] = text


def warn_of_collapse(records: Sequence[Mapping[str, Any]]) -> None:
    """Warn once where the records of trainings say that features collapsed.

    >>> warn_of_collapse([{"epoch": 20, "loss": 4.1}])  # nothing to say
    """
    collapsed = [record["collapse"] for record in records if "collapse" in record]
    if collapsed:
        several = "" if len(collapsed) == 1 else f", as in {len(collapsed) - 1} more"
        warn_user(
            f"The features collapsed in a training ({collapsed[0]}{several}): unless the graphs "
            "are that simple, lower --lr or --beta, or raise --temperature."
        )


def describe_collapse(z: Tensor, labels: bool = False) -> str:
    """Return in which way features z [M, d] have collapsed, empty where they have not.

    They have where less than 2.5 % of their squared length varies, and, unless they were trained
    with labels, where the effective rank of three dimensions or more is under 1.5.

    >>> import torch
    >>> describe_collapse(torch.eye(8)), describe_collapse(torch.ones(8, 4))
    ('', 'of the squared length of the features 0 % varies between graphs, less than 2.5 %')
    """
    z = z.detach().double()
    spread = float(geometry.spread(z))
    if not spread >= LEAST_SPREAD:
        return (
            f"of the squared length of the features {100 * spread:.2g} % varies between graphs, "
            f"less than {100 * LEAST_SPREAD:g} %"
        )
    rank = float(geometry.effective_rank(geometry.covariance_spectrum(z)))
    if labels or z.shape[1] < 3 or rank >= LEAST_RANK:
        return ""
    return f"the effective rank of the features is {rank:.2f}, less than {LEAST_RANK:g}"
