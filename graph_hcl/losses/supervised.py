"""Supervised classification: the baseline of every objective that reads labels."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from graph_hcl.keywords import names_arguments
from graph_hcl.losses.checks import check_choice, transformed
from graph_hcl.losses.finite import longest_row
from graph_hcl.losses.inputs import join_views
from graph_hcl.losses.objective import Epoch, ObjectiveInput, ObjectiveTags
from graph_hcl.losses.options import taken_by
from graph_hcl.losses.precision import at_least_float
from graph_hcl.losses.settings import Reduction


class CrossEntropy(nn.Module):
    """Softmax cross-entropy: mean of −log softmax(z_i) at the label of row i.

    `loss(z, label=label)` takes class logits z [M, C] and labels [M] among 0 … C − 1, with or
    without `graph` [M], and `loss(z1, z2, label)` two views [B, C] with labels [B]; each view of a
    graph is a row of its own. Raises `ValueError` for anything else, and for logits that are not
    finite.

    >>> import torch
    >>> CrossEntropy()(torch.zeros(4, 3), label=torch.tensor([0, 1, 2, 2]))  # no opinion: log 3
    tensor(1.0986)
    """

    tags = ObjectiveTags(labels=True, logits=True)

    @names_arguments(taken_by)
    def __init__(self, *, reduction: Reduction = "mean", validate_args: bool = True) -> None:
        super().__init__()
        check_choice("reduction", reduction, ("mean", "none"))
        self.reduction: Reduction = reduction
        self.validate_args = validate_args

    def on_epoch(self, epoch: Epoch) -> None:
        """Nothing changes from epoch to epoch."""

    def compute(self, given: ObjectiveInput) -> Tensor:
        """Return the loss of a batch, as the training loop asks for it."""
        loss: Tensor = self(given.z, label=given.label, graph=given.graph)
        return loss

    def count(self, given: ObjectiveInput) -> None:
        """Every row counts, so there is nothing to ask."""

    def forward(
        self,
        z: Tensor,
        other: Tensor | None = None,
        label: Tensor | None = None,
        *,
        graph: Tensor | None = None,
    ) -> Tensor:
        """Return the mean cross-entropy of all rows [], or that of each row [M].

        Args:
            z: logits [M, classes].
            other: logits [M, classes] of the second views of the same graphs.
            label: class [M] of each row of z.
            graph: not read; every objective may be given it.
        """
        rows = join_views(z, other, graph, label, lone=True, validate=self.validate_args)
        z, label = rows.z, rows.label
        if label is None:
            raise ValueError("Expected label [M], one per row, but CrossEntropy got none.")
        # Only on the CPU: elsewhere, looking at values waits for the device.
        if self.validate_args and len(label) and z.device.type == "cpu" and not transformed():
            longest_row(z)
            if not 0 <= int(label.min()) <= int(label.max()) < z.shape[1]:
                raise ValueError(
                    f"Expected labels 0 … {z.shape[1] - 1} for logits of {z.shape[1]} classes, but "
                    f"got {int(label.min())} … {int(label.max())}."
                )
        if not len(label) and self.reduction == "mean":
            return z.sum()
        return F.cross_entropy(at_least_float(z), label, reduction=self.reduction)
