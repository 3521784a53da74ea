"""UCL, SCL, H-UCL and H-SCL by name: modules that hold hyper-parameters and choose the keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from torch import Tensor, nn

from graph_hcl.losses.adaptive import Adaptive
from graph_hcl.losses.contrastive import contrastive_loss
from graph_hcl.losses.dense import psi_loss
from graph_hcl.losses.hardening import Exponential, LogEta
from graph_hcl.losses.make import (
    Annealing,
    Schedule,
    make_annealing,
    make_hardening,
    make_psi,
)
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.psi import Psi
from graph_hcl.losses.queue import Queue
from graph_hcl.registry import Registry

OBJECTIVES: Registry[Callable[..., nn.Module]] = Registry("objective")

Prefactor = Literal["sum", "mean"]
Average = Literal["anchor", "pair"]


class Contrast(nn.Module):
    """The base of all objectives: settings of `contrastive_loss`, and keys from graph and label.

    `forward(z, graph, label)` takes normalised features z [M, d] of all views, the graph [M] that
    each row is a view of, and its label [M]; it returns a scalar. With `psi` the loss is that ψ of
    arXiv 2311.05139 instead of InfoNCE; with `queue_size`, features of earlier batches are further
    negatives, so graphs must be named by the same numbers in all batches.

    Raises `ValueError` for values out of range, and for `psi` together with `tau_plus`.
    """

    uses_labels = False
    joint = False

    def __init__(
        self,
        temperature: float,
        log_eta: LogEta | Adaptive | None = None,
        *,
        prefactor: Prefactor = "sum",
        average: Average = "anchor",
        tau_plus: float = 0.0,
        detach_weights: bool = False,
        num_negatives: int | None = None,
        psi: str | Psi | None = None,
        psi_options: dict[str, Any] | None = None,
        queue_size: int = 0,
        anneal: Annealing | None = None,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"Expected temperature to be above 0, but got {temperature}.")
        if not 0 <= tau_plus < 1:
            raise ValueError(f"Expected tau_plus to be in [0, 1), but got {tau_plus}.")
        if psi is not None and tau_plus:
            raise ValueError("Expected tau_plus 0 with psi: the debiased estimator is InfoNCE's.")
        self.temperature = temperature
        self.log_eta = log_eta
        self.prefactor: Prefactor = prefactor
        self.average: Average = average
        self.tau_plus = tau_plus
        self.detach_weights = detach_weights
        self.num_negatives = num_negatives
        self.psi = None if psi is None else make_psi(psi, psi_options)
        self.queue = Queue(queue_size) if queue_size else None
        self.annealing = anneal
        if anneal is not None:
            self.anneal(0.0)

    def anneal(self, done: float) -> None:
        """Set β to its value after the share `done` of the training, in [0, 1]."""
        if self.annealing is not None:
            self.log_eta = Exponential(self.annealing.beta(done))

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return positive and negative keys: here, other views attract, other graphs repel."""
        return graph, graph

    def forward(self, z: Tensor, graph: Tensor, label: Tensor | None = None) -> Tensor:
        """Return the loss of all rows against each other, and against the queue if there is one."""
        positive, negative = self.keys(graph, label)
        samples, pairs = None, Pairs.among(positive, negative)
        if self.queue is not None and negative is not None:
            samples, pairs = self.queue.join(z, positive, negative)
            if self.training:
                self.queue.push(z, negative)
        shared: dict[str, Any] = {
            "temperature": self.temperature,
            "log_eta": self.log_eta,
            "prefactor": self.prefactor,
            "average": self.average,
            "detach_weights": self.detach_weights,
            "num_negatives": self.num_negatives,
        }
        if self.psi is not None:
            return psi_loss(z, pairs, samples, psi=self.psi, **shared)
        return contrastive_loss(
            z, pairs, samples, tau_plus=self.tau_plus, joint=self.joint, **shared
        )

    def extra_repr(self) -> str:
        """Return the settings that differ between objectives."""
        return f"temperature={self.temperature}, log_eta={self.log_eta}"


class _Labelled(Contrast):
    """Graphs of other labels repel, or all others; the same label attracts, or the views alone.

    `negatives` "all" is the latent-class reading of UCL and H-UCL (arXiv 2311.05139): every other
    row is a negative, whatever its label, those of the anchor's own class too.
    """

    uses_labels = True

    def __init__(
        self,
        *settings: Any,
        positives: Literal["label", "views"],
        negatives: Literal["label", "all"],
        **named: Any,
    ) -> None:
        super().__init__(*settings, **named)
        for name, value, known in (
            ("positives", positives, ("label", "views")),
            ("negatives", negatives, ("label", "all")),
        ):
            if value not in known:
                raise ValueError(f"Expected {name} to be {' or '.join(known)}, but got {value!r}.")
        if negatives == "all" and self.queue is not None:
            raise ValueError("Expected queue_size 0 with negatives 'all': a queue needs labels.")
        self.positives = positives
        self.negatives = negatives

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the label, or the graph, as positive key and the label as negative key."""
        if label is None:
            raise ValueError(
                f"Expected label [M], one per row, but {type(self).__name__} got none."
            )
        attracted = label if self.positives == "label" else graph
        return attracted, (label if self.negatives == "label" else None)


@OBJECTIVES.register("ucl")
class UCL(Contrast):
    """Unsupervised contrastive loss: other views attract, all other graphs repel alike.

    −log e^{s_ip} / (e^{s_ip} + Σ_{j∈N(i)} e^{s_ij}): UCL of arXiv 2209.00078.

    >>> import torch
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
        psi: str | Psi | None = None,
        psi_options: dict[str, Any] | None = None,
        queue_size: int = 0,
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
        )


@OBJECTIVES.register("scl")
class SCL(_Labelled):
    """Supervised contrastive loss: the same label attracts, only other labels repel, all alike.

    SCL of arXiv 2209.00078; with `negatives="all"` the latent-class UCL of arXiv 2311.05139.

    >>> import torch
    >>> z, graph = torch.ones(6, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    >>> SCL()(z, graph, torch.tensor([0, 0, 1, 0, 0, 1]))  # (4 log(1 + 2) + 2 log(1 + 4)) / 6
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
        )


@OBJECTIVES.register("h-ucl")
class HUCL(Contrast):
    """UCL with hard negatives: other graphs repel in proportion to η of their similarity.

    H-UCL of arXiv 2209.00078, with η = e^{βs} or 1[e^s ≥ τ]; with `tau_plus` it is the debiased
    estimator of Robinson et al. (ICLR 2021).

    >>> import torch
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
            anneal=make_annealing(schedule, beta_start, beta, hardening),
        )


@OBJECTIVES.register("h-scl")
class HSCL(_Labelled):
    """SCL with hard negatives: graphs of other labels repel in proportion to η.

    H-SCL of arXiv 2209.00078 and of arXiv 2311.05139; with `negatives="all"` the latent-class
    H-UCL of the latter.

    >>> import torch
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
            anneal=make_annealing(schedule, beta_start, beta, hardening),
        )


@OBJECTIVES.register("nt-xent")
class NTXent(Contrast):
    """Normalised temperature-scaled cross entropy: −log e^{s_ip} / Σ_{k≠i} e^{s_ik}.

    SimCLR (arXiv 2002.05709). The sum holds every other row, the positive included once; with two
    views this is UCL, with more the other positives of the anchor stand in it too.

    >>> import torch
    >>> z = torch.ones(6, 1)
    >>> NTXent()(z, torch.tensor([0, 1, 2, 0, 1, 2]))  # identical features: log(2·3 − 1)
    tensor(1.6094)
    """

    joint = True

    def __init__(self, *, temperature: float = 0.5, average: Average = "anchor") -> None:
        super().__init__(temperature, average=average)

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the graph as positive key, and no negative key: all other rows are summed."""
        return graph, None


@OBJECTIVES.register("supcon")
class SupCon(Contrast):
    """Supervised contrastive loss, L_out: mean over P(i) of −log e^{s_ip} / Σ_{k≠i} e^{s_ik}.

    Khosla et al. (arXiv 2004.11362). Unlike SCL, its sum holds the graphs of the anchor's own
    label too. Raises `ValueError` without labels.

    >>> import torch
    >>> z, graph = torch.ones(6, 1), torch.tensor([0, 1, 2, 0, 1, 2])
    >>> SupCon()(z, graph, torch.tensor([0, 0, 1, 0, 0, 1]))  # identical features: log(6 − 1)
    tensor(1.6094)
    """

    uses_labels = True
    joint = True

    def __init__(self, *, temperature: float = 0.5, average: Average = "anchor") -> None:
        super().__init__(temperature, average=average)

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the label as positive key, and no negative key: all other rows are summed."""
        if label is None:
            raise ValueError("Expected label [M], one per row, but SupCon got none.")
        return label, None
