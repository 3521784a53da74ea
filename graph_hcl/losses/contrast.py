"""What all contrastive objectives share: settings, keys, the queue, and a growing β."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from graph_hcl.losses.adaptive import Adaptive
from graph_hcl.losses.checks import check_road, check_values, check_whole, transformed
from graph_hcl.losses.contrastive import Mode, Reduction, contrastive_loss
from graph_hcl.losses.dense import psi_loss
from graph_hcl.losses.hardening import Exponential, LogEta
from graph_hcl.losses.make import Annealing, make_psi
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.precision import unit
from graph_hcl.losses.psi import Psi
from graph_hcl.losses.queue import Queue
from graph_hcl.losses.views import join_views
from graph_hcl.registry import Registry

OBJECTIVES: Registry[Callable[..., nn.Module]] = Registry("objective")

Prefactor = Literal["sum", "mean"]
Average = Literal["anchor", "pair"]


class Contrast(nn.Module):
    """The base of all objectives: settings of `contrastive_loss`, and keys from graph and label.

    `loss(z1, z2)` contrasts two views [B, d] of B graphs, with `label` [B] where the objective
    reads labels; `loss(z, graph=graph)` takes rows z [M, d] of any number of views and the graph
    [M] that each is a view of, with `label` [M]. Labels are bool, integers of any width or floats
    that are whole numbers; an objective that reads none leaves them alone.

    Rows are normalised to length 1 unless `normalize` is False: for rows that are so already, or
    that are meant to differ in length. `reduction` "none" gives one value per row [M], 0 for a row
    that has no positive or no negative. `mode` is that of `contrastive_loss`. With `psi` the loss
    is that ψ of arXiv 2311.05139 instead of InfoNCE. With `queue_size`, features of earlier
    batches are further negatives: graphs are named by the same numbers in all batches, or, without
    `graph`, every remembered row is of another graph.

    With a schedule, β is that of the share of the training last told to `anneal`, which is to be
    called before each epoch.

    Raises `ValueError` for values out of range, for settings that would have no effect, and for
    rows, graphs or labels that do not fit each other.
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
        normalize: bool = True,
        reduction: Reduction = "mean",
        mode: Mode = "auto",
        anneal: Annealing | None = None,
    ) -> None:
        super().__init__()
        check_values(temperature, tau_plus, prefactor, average)
        check_road(mode, reduction, average, num_negatives)
        if psi is not None and tau_plus:
            raise ValueError("Expected tau_plus 0 with psi: the debiased estimator is InfoNCE's.")
        if psi is not None and mode == "tiled":
            raise ValueError("Expected mode auto or dense with psi: it keeps all logits.")
        if psi is None and psi_options:
            raise ValueError("Expected no psi_options without psi: they would have no effect.")
        check_whole("queue_size", queue_size, 0)
        self.normalize = normalize
        self.reduction: Reduction = reduction
        self.mode: Mode = mode
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
        self.annealed = anneal is None

    def anneal(self, done: float) -> None:
        """Set β to its value after the share `done` of the training, in [0, 1]."""
        if self.annealing is not None:
            self.log_eta = Exponential(self.annealing.beta(done))
            self.annealed = True

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return positive and negative keys [M]: here, other views attract, other graphs repel."""
        return graph, graph

    def pairs(self, graph: Tensor, label: Tensor | None) -> Pairs:
        """Return who attracts and who repels whom among the rows, and in the queue."""
        positive, negative = self.keys(graph, label)
        if self.queue is None or negative is None:
            return Pairs.among(positive, negative)
        return self.queue.pairs(positive, negative)

    def counted(self, graph: Tensor, label: Tensor | None = None) -> Tensor:
        """Return how many rows have both a positive and a negative [], and so count in the loss."""
        same, others = self.pairs(graph, label).counts()
        return ((same > 0) & (others > 0)).sum()

    def forward(
        self,
        z: Tensor,
        other: Tensor | None = None,
        label: Tensor | None = None,
        *,
        graph: Tensor | None = None,
    ) -> Tensor:
        """Return the loss of all rows against each other, and against the queue if there is one."""
        if not self.annealed and not transformed():
            self.annealed = True  # said once
            warnings.warn(
                f"With a schedule, {type(self).__name__} stays at beta_start until its "
                "anneal(done) is called with the share of the training that is done: call it "
                "before each epoch.",
                stacklevel=2,
            )
        given = join_views(z, other, graph, label)
        z, unnamed = given.z, 0 if given.graph is not None else len(given.z) // 2
        if self.normalize:
            z = unit(z)
        named = given.graph
        if named is None and self.queue is not None:
            named = self.queue.fresh(unnamed, z.device).repeat(2)
        elif named is None:
            named = torch.arange(unnamed, device=z.device).repeat(2)
        positive, negative = self.keys(named, given.label)
        shared: dict[str, Any] = {
            "temperature": self.temperature,
            "log_eta": self.log_eta,
            "prefactor": self.prefactor,
            "average": self.average,
            "detach_weights": self.detach_weights,
            "num_negatives": self.num_negatives,
            "reduction": self.reduction,
        }
        samples: Tensor | None = None
        if self.queue is None or negative is None:
            pairs = Pairs.among(positive, negative)
        else:
            joined, pairs = self.queue.join(z, positive, negative)
            samples = joined if joined is not z else None
        if self.psi is not None:
            loss = psi_loss(z, pairs, samples, psi=self.psi, **shared)
        else:
            loss = contrastive_loss(
                z,
                pairs,
                samples,
                tau_plus=self.tau_plus,
                joint=self.joint,
                mode=self.mode,
                **shared,
            )
        # Last, so that rows which the loss refuses are not remembered.
        if self.queue is not None and negative is not None and self.training:
            self.queue.push(z, negative, unnamed)
        return loss

    def extra_repr(self) -> str:
        """Return the settings that differ between objectives."""
        return f"temperature={self.temperature}, log_eta={self.log_eta}"


class Labelled(Contrast):
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
