"""UCL, SCL, H-UCL and H-SCL by name: modules that hold hyper-parameters and choose the keys."""

from __future__ import annotations

from typing import Any, Literal

from graph_hcl.losses.contrast import OBJECTIVES, Average, Contrast, Labelled, Prefactor
from graph_hcl.losses.contrastive import Mode, Reduction
from graph_hcl.losses.hardening import LogEta
from graph_hcl.losses.make import Schedule, make_annealing, make_hardening
from graph_hcl.losses.psi import Psi


@OBJECTIVES.register("ucl")
class UCL(Contrast):
    """Unsupervised contrastive loss: other views attract, all other graphs repel alike.

    −log e^{s_ip} / (e^{s_ip} + Σ_{j∈N(i)} e^{s_ij}): UCL of arXiv 2209.00078.

    >>> import torch
    >>> z = torch.ones(6, 1)
    >>> UCL()(z, graph=torch.tensor([0, 1, 2, 0, 1, 2]))  # identical features: log(1 + 4)
    tensor(1.6094)
    """

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        prefactor: Prefactor = "sum",
        average: Average = "anchor",
        tau_plus: float = 0.0,
        num_negatives: int | None = None,
        psi: str | Psi | None = None,
        psi_options: dict[str, Any] | None = None,
        queue_size: int = 0,
        normalize: bool = True,
        reduction: Reduction = "mean",
        mode: Mode = "auto",
    ) -> None:
        super().__init__(
            temperature,
            prefactor=prefactor,
            average=average,
            tau_plus=tau_plus,
            num_negatives=num_negatives,
            psi=psi,
            psi_options=psi_options,
            queue_size=queue_size,
            normalize=normalize,
            reduction=reduction,
            mode=mode,
        )


@OBJECTIVES.register("scl")
class SCL(Labelled):
    """Supervised contrastive loss: the same label attracts, only other labels repel, all alike.

    SCL of arXiv 2209.00078; with `negatives="all"` the latent-class UCL of arXiv 2311.05139.

    >>> import torch
    >>> z, graph = torch.ones(6, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    >>> SCL()(z, graph=graph, label=torch.tensor([0, 0, 1, 0, 0, 1]))  # (4 log 3 + 2 log 5) / 6
    tensor(1.2689)
    """

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        positives: Literal["label", "views"] = "label",
        negatives: Literal["label", "all"] = "label",
        prefactor: Prefactor = "sum",
        average: Average = "anchor",
        tau_plus: float = 0.0,
        num_negatives: int | None = None,
        psi: str | Psi | None = None,
        psi_options: dict[str, Any] | None = None,
        queue_size: int = 0,
        normalize: bool = True,
        reduction: Reduction = "mean",
        mode: Mode = "auto",
    ) -> None:
        super().__init__(
            temperature,
            positives=positives,
            negatives=negatives,
            prefactor=prefactor,
            average=average,
            tau_plus=tau_plus,
            num_negatives=num_negatives,
            psi=psi,
            psi_options=psi_options,
            queue_size=queue_size,
            normalize=normalize,
            reduction=reduction,
            mode=mode,
        )


@OBJECTIVES.register("h-ucl")
class HUCL(Contrast):
    """UCL with hard negatives: other graphs repel in proportion to η of their similarity.

    H-UCL of arXiv 2209.00078, with η = e^{βs} or 1[e^s ≥ τ]; with `tau_plus` it is the debiased
    estimator of Robinson et al. (ICLR 2021).

    >>> import torch
    >>> z = torch.eye(3)
    >>> HUCL(beta=0.0)(z, z) == UCL()(z, z)
    tensor(True)
    """

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        beta: float = 1.0,
        hardening: str | LogEta = "exponential",
        hardening_options: dict[str, Any] | None = None,
        schedule: Schedule = "constant",
        beta_start: float = 0.0,
        prefactor: Prefactor = "sum",
        average: Average = "anchor",
        tau_plus: float = 0.0,
        detach_weights: bool = False,
        num_negatives: int | None = None,
        psi: str | Psi | None = None,
        psi_options: dict[str, Any] | None = None,
        queue_size: int = 0,
        normalize: bool = True,
        reduction: Reduction = "mean",
        mode: Mode = "auto",
    ) -> None:
        super().__init__(
            temperature,
            make_hardening(hardening, beta, hardening_options),
            prefactor=prefactor,
            average=average,
            tau_plus=tau_plus,
            detach_weights=detach_weights,
            num_negatives=num_negatives,
            psi=psi,
            psi_options=psi_options,
            queue_size=queue_size,
            normalize=normalize,
            reduction=reduction,
            mode=mode,
            anneal=make_annealing(schedule, beta_start, beta, hardening),
        )


@OBJECTIVES.register("h-scl")
class HSCL(Labelled):
    """SCL with hard negatives: graphs of other labels repel in proportion to η.

    H-SCL of arXiv 2209.00078 and of arXiv 2311.05139; with `negatives="all"` the latent-class
    H-UCL of the latter.

    >>> import torch
    >>> z, label = torch.eye(3), torch.tensor([0, 1, 1])
    >>> HSCL(beta=0.0)(z, z, label) == SCL()(z, z, label)
    tensor(True)
    """

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        beta: float = 1.0,
        hardening: str | LogEta = "exponential",
        hardening_options: dict[str, Any] | None = None,
        schedule: Schedule = "constant",
        beta_start: float = 0.0,
        positives: Literal["label", "views"] = "label",
        negatives: Literal["label", "all"] = "label",
        prefactor: Prefactor = "sum",
        average: Average = "anchor",
        tau_plus: float = 0.0,
        detach_weights: bool = False,
        num_negatives: int | None = None,
        psi: str | Psi | None = None,
        psi_options: dict[str, Any] | None = None,
        queue_size: int = 0,
        normalize: bool = True,
        reduction: Reduction = "mean",
        mode: Mode = "auto",
    ) -> None:
        super().__init__(
            temperature,
            make_hardening(hardening, beta, hardening_options),
            positives=positives,
            negatives=negatives,
            prefactor=prefactor,
            average=average,
            tau_plus=tau_plus,
            detach_weights=detach_weights,
            num_negatives=num_negatives,
            psi=psi,
            psi_options=psi_options,
            queue_size=queue_size,
            normalize=normalize,
            reduction=reduction,
            mode=mode,
            anneal=make_annealing(schedule, beta_start, beta, hardening),
        )
