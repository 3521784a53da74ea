"""Plain supervised classification, the control of every objective that reads labels."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from graph_hcl.losses.checks import check_road, longest_row, transformed
from graph_hcl.losses.contrast import OBJECTIVES
from graph_hcl.losses.contrastive import Reduction
from graph_hcl.losses.precision import at_least_float
from graph_hcl.losses.views import join_views


@OBJECTIVES.register("cross-entropy")
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

    uses_labels = True
    reads_logits = True

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        check_road("auto", reduction, "anchor", None)
        self.reduction: Reduction = reduction

    def forward(
        self,
        z: Tensor,
        other: Tensor | None = None,
        label: Tensor | None = None,
        *,
        graph: Tensor | None = None,
    ) -> Tensor:
        """Return the mean cross-entropy of all rows [], or that of each row [M]."""
        z, _graph, label = join_views(z, other, graph, label, lone=True)
        if label is None:
            raise ValueError("Expected label [M], one per row, but CrossEntropy got none.")
        if (
            len(label)
            and not transformed()
            and not 0 <= int(label.min()) <= int(label.max()) < z.shape[1]
        ):
            raise ValueError(
                f"Expected labels 0 … {z.shape[1] - 1} for logits of {z.shape[1]} classes, but got "
                f"{int(label.min())} … {int(label.max())}."
            )
        if not transformed():
            longest_row(z)
        if not len(label) and self.reduction == "mean":
            return z.sum()
        return F.cross_entropy(at_least_float(z), label, reduction=self.reduction)
