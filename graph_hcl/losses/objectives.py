"""UCL, SCL, H-UCL and H-SCL by name: modules that hold hyper-parameters and choose the keys."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from graph_hcl.losses.contrastive import contrastive_loss
from graph_hcl.losses.hardening import HARDENINGS, Exponential, LogEta, Threshold
from graph_hcl.losses.pairs import Pairs
from graph_hcl.registry import Registry

OBJECTIVES: Registry[Callable[..., nn.Module]] = Registry("objective")

Prefactor = Literal["sum", "mean"]
Average = Literal["anchor", "pair"]


class Contrast(nn.Module):
    """The base of all objectives: settings of `contrastive_loss`, and keys from graph and label.

    `forward(z, graph, label)` takes normalised features z [M, d] of all views, the graph [M] that
    each row is a view of, and its label [M]; it returns a scalar.
    """

    uses_labels = False
    joint = False

    def __init__(
        self,
        temperature: float,
        log_eta: LogEta | None,
        prefactor: Prefactor,
        average: Average,
        tau_plus: float,
        detach_weights: bool,
        num_negatives: int | None,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"Expected temperature to be above 0, but got {temperature}.")
        if not 0 <= tau_plus < 1:
            raise ValueError(f"Expected tau_plus to be in [0, 1), but got {tau_plus}.")
        self.temperature = temperature
        self.log_eta = log_eta
        self.prefactor: Prefactor = prefactor
        self.average: Average = average
        self.tau_plus = tau_plus
        self.detach_weights = detach_weights
        self.num_negatives = num_negatives

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return positive and negative keys: here, other views attract, other graphs repel."""
        return graph, graph

    def forward(self, z: Tensor, graph: Tensor, label: Tensor | None = None) -> Tensor:
        """Return the loss of all rows against each other."""
        return contrastive_loss(
            z,
            Pairs.among(*self.keys(graph, label)),
            temperature=self.temperature,
            log_eta=self.log_eta,
            prefactor=self.prefactor,
            average=self.average,
            tau_plus=self.tau_plus,
            detach_weights=self.detach_weights,
            num_negatives=self.num_negatives,
            joint=self.joint,
        )

    def extra_repr(self) -> str:
        """Return the settings that differ between objectives."""
        return f"temperature={self.temperature}, log_eta={self.log_eta}"


class _Labelled(Contrast):
    """Graphs of other labels repel; graphs of the same label attract, or the views alone."""

    uses_labels = True
    positives: Literal["label", "views"] = "label"

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the label, or the graph, as positive key and the label as negative key."""
        if label is None:
            raise ValueError(
                f"Expected label [M], one per row, but {type(self).__name__} got none."
            )
        return (label if self.positives == "label" else graph), label


@OBJECTIVES.register("ucl")
class UCL(Contrast):
    """Unsupervised contrastive loss: other views attract, all other graphs repel alike.

    −log e^{s_ip} / (e^{s_ip} + Σ_{j∈N(i)} e^{s_ij}): UCL of arXiv 2209.00078.

    >>> z = torch.ones(6, 1)
    >>> UCL()(z, torch.tensor([0, 1, 2, 0, 1, 2]))  # identical features: log(1 + 4)
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
    ) -> None:
        super().__init__(temperature, None, prefactor, average, tau_plus, False, num_negatives)


@OBJECTIVES.register("scl")
class SCL(_Labelled):
    """Supervised contrastive loss: the same label attracts, only other labels repel, all alike.

    SCL of arXiv 2209.00078.

    >>> z, graph = torch.ones(6, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    >>> SCL()(z, graph, torch.tensor([0, 0, 1, 0, 0, 1]))  # (4 log(1 + 2) + 2 log(1 + 4)) / 6
    tensor(1.2689)
    """

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        positives: Literal["label", "views"] = "label",
        prefactor: Prefactor = "sum",
        average: Average = "anchor",
        tau_plus: float = 0.0,
        num_negatives: int | None = None,
    ) -> None:
        super().__init__(temperature, None, prefactor, average, tau_plus, False, num_negatives)
        self.positives = positives


@OBJECTIVES.register("h-ucl")
class HUCL(Contrast):
    """UCL with hard negatives: other graphs repel in proportion to η of their similarity.

    H-UCL of arXiv 2209.00078, with η = e^{βs} or 1[e^s ≥ τ]; with `tau_plus` it is the debiased
    estimator of Robinson et al. (ICLR 2021).

    >>> z, graph = torch.eye(3).repeat(2, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    >>> HUCL(beta=0.0)(z, graph) == UCL()(z, graph)
    tensor(True)
    """

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        beta: float = 1.0,
        hardening: str | LogEta = "exponential",
        threshold: float = math.exp(-0.1),
        prefactor: Prefactor = "sum",
        average: Average = "anchor",
        tau_plus: float = 0.0,
        detach_weights: bool = False,
        num_negatives: int | None = None,
    ) -> None:
        log_eta = make_hardening(hardening, beta, threshold)
        super().__init__(
            temperature, log_eta, prefactor, average, tau_plus, detach_weights, num_negatives
        )


@OBJECTIVES.register("h-scl")
class HSCL(_Labelled):
    """SCL with hard negatives: graphs of other labels repel in proportion to η.

    H-SCL of arXiv 2209.00078 and of arXiv 2311.05139.

    >>> z, graph = torch.eye(3).repeat(2, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    >>> label = torch.tensor([0, 1, 1, 0, 1, 1])
    >>> HSCL(beta=0.0)(z, graph, label) == SCL()(z, graph, label)
    tensor(True)
    """

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        beta: float = 1.0,
        hardening: str | LogEta = "exponential",
        threshold: float = math.exp(-0.1),
        positives: Literal["label", "views"] = "label",
        prefactor: Prefactor = "sum",
        average: Average = "anchor",
        tau_plus: float = 0.0,
        detach_weights: bool = False,
        num_negatives: int | None = None,
    ) -> None:
        log_eta = make_hardening(hardening, beta, threshold)
        super().__init__(
            temperature, log_eta, prefactor, average, tau_plus, detach_weights, num_negatives
        )
        self.positives = positives


@OBJECTIVES.register("nt-xent")
class NTXent(Contrast):
    """Normalised temperature-scaled cross entropy: −log e^{s_ip} / Σ_{k≠i} e^{s_ik}.

    SimCLR (arXiv 2002.05709). The sum holds every other row, the positive included once; with two
    views this is UCL, with more the other positives of the anchor stand in it too.

    >>> z = torch.ones(6, 1)
    >>> NTXent()(z, torch.tensor([0, 1, 2, 0, 1, 2]))  # identical features: log(2·3 − 1)
    tensor(1.6094)
    """

    joint = True

    def __init__(self, *, temperature: float = 0.5, average: Average = "anchor") -> None:
        super().__init__(temperature, None, "sum", average, 0.0, False, None)

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the graph as positive key, and no negative key: all other rows are summed."""
        return graph, None


@OBJECTIVES.register("supcon")
class SupCon(Contrast):
    """Supervised contrastive loss, L_out: mean over P(i) of −log e^{s_ip} / Σ_{k≠i} e^{s_ik}.

    Khosla et al. (arXiv 2004.11362). Unlike SCL, its sum holds the graphs of the anchor's own
    label too. Raises `ValueError` without labels.

    >>> z, graph = torch.ones(6, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    >>> SupCon()(z, graph, torch.tensor([0, 0, 1, 0, 0, 1]))  # identical features: log(6 − 1)
    tensor(1.6094)
    """

    uses_labels = True
    joint = True

    def __init__(self, *, temperature: float = 0.5, average: Average = "anchor") -> None:
        super().__init__(temperature, None, "sum", average, 0.0, False, None)

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the label as positive key, and no negative key: all other rows are summed."""
        if label is None:
            raise ValueError("Expected label [M], one per row, but SupCon got none.")
        return label, None


def make_hardening(hardening: str | LogEta, beta: float, threshold: float) -> LogEta:
    """Return log η by name, by import path of a function of the logits, or as it was given.

    >>> make_hardening("exponential", beta=2.0, threshold=1.0)
    Exponential(beta=2.0)
    """
    if callable(hardening):
        return hardening
    made = HARDENINGS.get(hardening)
    if made is Exponential:
        return Exponential(beta)
    if made is Threshold:
        return Threshold(threshold)
    return made() if hardening in HARDENINGS.names() else made  # type: ignore[return-value]


def hardness_weights(logits: Tensor, negatives: Tensor, log_eta: LogEta) -> Tensor:
    """Return w [A, S] with mean 1 over each anchor's negatives, 0 elsewhere.

    >>> hardness_weights(torch.zeros(1, 3), torch.tensor([[True, True, False]]), Exponential(1.0))
    tensor([[1., 1., 0.]])
    """
    eta = log_eta(logits).masked_fill(~negatives, -math.inf)
    return torch.softmax(eta, dim=1).nan_to_num(0.0) * negatives.sum(1, keepdim=True)
