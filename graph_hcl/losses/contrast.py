"""What all contrastive objectives share: settings, keys, the queue, and a growing β."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from torch import Tensor, nn

from graph_hcl.losses.adaptive import Adaptive
from graph_hcl.losses.contrastive import contrastive_loss
from graph_hcl.losses.dense import psi_loss
from graph_hcl.losses.hardening import Exponential, LogEta
from graph_hcl.losses.make import Annealing, make_psi
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
