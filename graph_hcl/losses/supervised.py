"""Plain supervised classification, the control of every objective that reads labels."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from graph_hcl.losses.contrast import OBJECTIVES


@OBJECTIVES.register("cross-entropy")
class CrossEntropy(nn.Module):
    """Softmax cross-entropy: mean of −log softmax(z_i) at the label of row i.

    `forward(z, graph, label)` takes class logits z [M, C] and labels [M] among 0 … C − 1; each view
    of a graph is a row of its own. Raises `ValueError` for anything else.

    >>> import torch
    >>> z = torch.zeros(4, 3)
    >>> CrossEntropy()(z, torch.arange(4), torch.tensor([0, 1, 2, 2]))  # no opinion: log 3
    tensor(1.0986)
    """

    uses_labels = True
    reads_logits = True

    def forward(self, z: Tensor, graph: Tensor, label: Tensor | None = None) -> Tensor:
        """Return the mean cross-entropy of all rows."""
        if z.dim() != 2 or label is None or label.shape != z.shape[:1]:
            got = "none" if label is None else list(label.shape)
            raise ValueError(
                f"Expected logits [M, C] and label [M], one per row, but got {list(z.shape)} and "
                f"{got}."
            )
        if len(label) and (int(label.min()) < 0 or int(label.max()) >= z.shape[1]):
            raise ValueError(
                f"Expected labels 0 … {z.shape[1] - 1} for logits of {z.shape[1]} classes, but got "
                f"{int(label.min())} … {int(label.max())}."
            )
        return F.cross_entropy(z.float() if z.dtype.itemsize < 4 else z, label)
