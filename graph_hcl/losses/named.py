"""NT-Xent and SupCon under their own names, each with its own sum over all other rows."""

from __future__ import annotations

from torch import Tensor

from graph_hcl.losses.contrast import OBJECTIVES, Average, Contrast
from graph_hcl.losses.contrastive import Mode, Reduction


@OBJECTIVES.register("nt-xent")
class NTXent(Contrast):
    """Normalised temperature-scaled cross entropy: −log e^{s_ip} / Σ_{k≠i} e^{s_ik}.

    SimCLR (arXiv 2002.05709). The sum holds every other row, the positive included once; with two
    views this is UCL, with more the other positives of the anchor stand in it too.

    >>> import torch
    >>> z = torch.ones(6, 1)
    >>> NTXent()(z, graph=torch.tensor([0, 1, 2, 0, 1, 2]))  # identical features: log(2·3 − 1)
    tensor(1.6094)
    """

    joint = True

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        average: Average = "anchor",
        normalize: bool = True,
        reduction: Reduction = "mean",
        mode: Mode = "auto",
    ) -> None:
        super().__init__(
            temperature, average=average, normalize=normalize, reduction=reduction, mode=mode
        )

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the graph as positive key, and no negative key: all other rows are summed."""
        return graph, None


@OBJECTIVES.register("supcon")
class SupCon(Contrast):
    """Supervised contrastive loss, L_out: mean over P(i) of −log e^{s_ip} / Σ_{k≠i} e^{s_ik}.

    Khosla et al. (arXiv 2004.11362). Unlike SCL, its sum holds the graphs of the anchor's own
    label too. Raises `ValueError` without labels.

    >>> import torch
    >>> z = torch.ones(3, 1)
    >>> SupCon()(z, z, torch.tensor([0, 0, 1]))  # identical features: log(6 − 1)
    tensor(1.6094)
    """

    uses_labels = True
    joint = True

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        average: Average = "anchor",
        normalize: bool = True,
        reduction: Reduction = "mean",
        mode: Mode = "auto",
    ) -> None:
        super().__init__(
            temperature, average=average, normalize=normalize, reduction=reduction, mode=mode
        )

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the label as positive key, and no negative key: all other rows are summed."""
        if label is None:
            raise ValueError("Expected label [M], one per row, but SupCon got none.")
        return label, None
