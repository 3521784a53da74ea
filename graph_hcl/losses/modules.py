"""UCL, SCL, H-UCL, H-SCL, NT-Xent and SupCon: which keys and which hardening they stand for."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from torch import Tensor

from graph_hcl.losses.checks import check_choice
from graph_hcl.losses.contrastive import ContrastiveLoss
from graph_hcl.losses.hardening import Adaptive, LogEta, Schedule
from graph_hcl.losses.options import (
    DEFAULTS,
    HUCLOptions,
    RowOptions,
    UCLOptions,
    describes_arguments,
    lists_options,
)
from graph_hcl.losses.resolver import make_annealing, make_hardening


class LabelledLoss(ContrastiveLoss):
    """Graphs of other labels repel, or all others; the same label attracts, or the views alone.

    Args:
        positives: who attracts: rows of the same "label", or only the "views" of the same graph.
        negatives: who repels: rows of another "label", or "all" other rows, whatever their label,
            which is the latent-class reading of UCL and H-UCL (arXiv 2311.05139).
    """

    uses_labels = True

    def __init__(
        self,
        *,
        positives: Literal["label", "views"] = "label",
        negatives: Literal["label", "all"] = "label",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_choice("positives", positives, ("label", "views"))
        check_choice("negatives", negatives, ("label", "all"))
        if negatives == "all" and self.memory is not None:
            raise ValueError(
                "Expected memory_size 0 with negatives 'all': a memory bank needs labels."
            )
        self.positives = positives
        self.negatives = negatives

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the label, or the graph, as positive key and the label as negative key."""
        if label is None:
            raise ValueError(
                f"Expected label [M], one per row, but {type(self).__name__} got none."
            )
        positive = label if self.positives == "label" else graph
        return positive, (label if self.negatives == "label" else None)


@describes_arguments(ContrastiveLoss)
class UCL(ContrastiveLoss):
    """Unsupervised contrastive loss: other views attract, all other graphs repel alike.

    −log e^{s_ip} / (e^{s_ip} + Σ_{j∈N(i)} e^{s_ij}): UCL of arXiv 2209.00078.

    >>> import torch
    >>> z = torch.ones(6, 1)
    >>> UCL()(z, graph=torch.tensor([0, 1, 2, 0, 1, 2]))  # identical features: log(1 + 4)
    tensor(1.6094)
    """

    @lists_options(UCLOptions, **DEFAULTS)
    def __init__(self, **options: Unpack[UCLOptions]) -> None:
        super().__init__(**options)


@describes_arguments(LabelledLoss, ContrastiveLoss)
class SCL(LabelledLoss):
    """Supervised contrastive loss: the same label attracts, only other labels repel, all alike.

    SCL of arXiv 2209.00078; with `negatives="all"` the latent-class UCL of arXiv 2311.05139.
    Raises `ValueError` without labels.

    >>> import torch
    >>> z, graph = torch.ones(6, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    >>> SCL()(z, graph=graph, label=torch.tensor([0, 0, 1, 0, 0, 1]))  # (4 log 3 + 2 log 5) / 6
    tensor(1.2689)
    """

    @lists_options(UCLOptions, **DEFAULTS)
    def __init__(
        self,
        *,
        positives: Literal["label", "views"] = "label",
        negatives: Literal["label", "all"] = "label",
        **options: Unpack[UCLOptions],
    ) -> None:
        super().__init__(positives=positives, negatives=negatives, **options)


@describes_arguments(ContrastiveLoss)
class HUCL(ContrastiveLoss):
    """UCL with hard negatives: other graphs repel in proportion to η of their similarity.

    H-UCL of arXiv 2209.00078; with `tau_plus` the debiased estimator of Robinson et al.
    (ICLR 2021).

    Args:
        beta: β ≥ 0 of η = e^{βs}, or of a power mean of order 1 + β; 0 is UCL.
        hardening: "exponential", "power", "threshold", "bell", "effective-sample-size",
            "class-mass", an import path, or log η as a callable.
        hardening_options: keyword arguments of a hardening given by name.
        schedule: "constant", or "linear" or "cosine" from `beta_start` to `beta`.
        beta_start: β in the first epoch of a schedule.

    >>> import torch
    >>> z = torch.eye(3)
    >>> HUCL(beta=0.0)(z, z) == UCL()(z, z)
    tensor(True)
    """

    @lists_options(HUCLOptions, **DEFAULTS)
    def __init__(
        self,
        *,
        beta: float = 1.0,
        hardening: str | LogEta | Adaptive = "exponential",
        hardening_options: dict[str, Any] | None = None,
        schedule: Schedule = "constant",
        beta_start: float = 0.0,
        **options: Unpack[HUCLOptions],
    ) -> None:
        super().__init__(hardening=make_hardening(hardening, beta, hardening_options), **options)
        self._anneal_from(make_annealing(schedule, beta_start, beta, hardening))


@describes_arguments(HUCL, LabelledLoss, ContrastiveLoss)
class HSCL(LabelledLoss):
    """SCL with hard negatives: graphs of other labels repel in proportion to η.

    H-SCL of arXiv 2209.00078 and of arXiv 2311.05139; with `negatives="all"` the latent-class
    H-UCL of the latter.

    >>> import torch
    >>> z, label = torch.eye(3), torch.tensor([0, 1, 1])
    >>> HSCL(beta=0.0)(z, z, label) == SCL()(z, z, label)
    tensor(True)
    """

    @lists_options(HUCLOptions, **DEFAULTS)
    def __init__(
        self,
        *,
        beta: float = 1.0,
        hardening: str | LogEta | Adaptive = "exponential",
        hardening_options: dict[str, Any] | None = None,
        schedule: Schedule = "constant",
        beta_start: float = 0.0,
        positives: Literal["label", "views"] = "label",
        negatives: Literal["label", "all"] = "label",
        **options: Unpack[HUCLOptions],
    ) -> None:
        super().__init__(
            hardening=make_hardening(hardening, beta, hardening_options),
            positives=positives,
            negatives=negatives,
            **options,
        )
        self._anneal_from(make_annealing(schedule, beta_start, beta, hardening))


@describes_arguments(ContrastiveLoss)
class NTXent(ContrastiveLoss):
    """Normalised temperature-scaled cross entropy: −log e^{s_ip} / Σ_{k≠i} e^{s_ik}.

    SimCLR (arXiv 2002.05709). The sum has every other row, the positive included once. With two
    views this is UCL; with more, the sum has the other positives of the anchor, too.

    >>> import torch
    >>> z = torch.ones(6, 1)
    >>> NTXent()(z, graph=torch.tensor([0, 1, 2, 0, 1, 2]))  # identical features: log(2·3 − 1)
    tensor(1.6094)
    """

    @lists_options(RowOptions, **DEFAULTS)
    def __init__(self, **options: Unpack[RowOptions]) -> None:
        super().__init__(denominator="negatives", **options)

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the graph as positive key, and no negative key: all other rows are summed."""
        return graph, None


@describes_arguments(ContrastiveLoss)
class SupCon(NTXent):
    """Supervised contrastive loss, L_out: mean over P(i) of −log e^{s_ip} / Σ_{k≠i} e^{s_ik}.

    Khosla et al. (arXiv 2004.11362). Unlike SCL, its sum has the graphs of the anchor's own label,
    too. Raises `ValueError` without labels.

    >>> import torch
    >>> z = torch.ones(3, 1)
    >>> SupCon()(z, z, torch.tensor([0, 0, 1]))  # identical features: log(6 − 1)
    tensor(1.6094)
    """

    uses_labels = True

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the label as positive key, and no negative key: all other rows are summed."""
        if label is None:
            raise ValueError("Expected label [M], one per row, but SupCon got none.")
        return label, None
