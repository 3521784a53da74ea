"""The quantities of the theory: the order of the losses, Assumption 1, the negatives' weights.

One pass over blocks of anchors reduces the logits to a few log-sum-exps over the negatives of the
anchor's own label and over those of others; everything else follows from these.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from graph_hcl.geometry.inputs import features
from graph_hcl.geometry.rounding import tolerance
from graph_hcl.keywords import names_arguments
from graph_hcl.losses.adaptive import resolve_hardening
from graph_hcl.losses.checks import check_choice
from graph_hcl.losses.finite import longest_row
from graph_hcl.losses.hardening import Adaptive, Exponential, LogEta
from graph_hcl.losses.inputs import as_keys
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.settings import LossSettings
from graph_hcl.losses.weighting import hardness_weights

BLOCK = 2**22
"""Logits that a pass holds at a time."""


class NegativeStatistics(NamedTuple):
    """Statistics of some of each anchor's negatives [A], in logs; −∞ where there are none.

    >>> s, number = torch.tensor([[0.0, 1.0]]), torch.tensor([2])
    >>> NegativeStatistics.of(s, torch.zeros(1, 2), number).weight
    tensor([0.6931])
    """

    number: Tensor
    plain: Tensor
    """LSE s"""
    weight: Tensor
    """LSE log η, where a power mean of order r has (r − 1) s in the place of log η"""
    tilted: Tensor
    """LSE (s + log η)"""
    square: Tensor
    """LSE 2 log η"""
    top: Tensor
    """max s"""

    @classmethod
    def of(cls, s: Tensor, log_eta: Tensor, number: Tensor) -> NegativeStatistics:
        """Return the statistics of logits s [A, S]; −∞ marks those that are no negatives."""
        if not s.shape[1]:
            s = log_eta = s.new_full((len(s), 1), -math.inf)
        # One call: at the size of a batch, it is the calls themselves that take the time.
        sums = torch.stack([s, log_eta, s + log_eta, 2 * log_eta]).logsumexp(2)
        plain, weight, tilted, square = sums.unbind()
        return cls(number.to(s).log(), plain, weight, tilted, square, s.amax(1))

    def join(self, other: NegativeStatistics) -> NegativeStatistics:
        """Return the statistics of both sets of negatives together."""
        count, plain, weight, tilted, square = map(torch.logaddexp, self[:5], other[:5])
        top = torch.maximum(self.top, other.top)
        return NegativeStatistics(count, plain, weight, tilted, square, top)

    def hardened(self, order: float = 1.0) -> Tensor:
        """Return log E_η[e^s], or the log of the power mean of that order.

        Where η is 0 everywhere, it is that of the hardest negative alone.
        """
        if order != 1:
            return (self.tilted - self.number) / order
        return torch.where(self.weight == -math.inf, self.top, self.tilted - self.weight)


@dataclass(frozen=True)
class AnchorStatistics:
    """Statistics of all anchors of a batch: negatives of their own label and of others, positives.

    Made by `negative_statistics`.

    Attributes:
        same: statistics of the negatives of the anchor's own label.
        other: statistics of the other negatives.
        row: anchor [P] of each positive pair.
        positive: logit [P] of each positive pair.
        scale: ‖z_i‖ max_j ‖z_j‖ / T [A], which no logit of the anchor exceeds: rounding errors are
            in proportion.
        order: order of the power mean of the negatives.

    >>> z, graph = torch.eye(4), torch.arange(4)
    >>> seen = negative_statistics(z, graph, torch.tensor([0, 0, 1, 1]))
    >>> seen.same_class_mass(), seen.effective_sample_size()
    (tensor([0.3333, 0.3333, 0.3333, 0.3333]), tensor([1., 1., 1., 1.]))
    """

    same: NegativeStatistics
    other: NegativeStatistics
    row: Tensor
    positive: Tensor
    scale: Tensor
    order: float = 1.0

    def rounding(self) -> Tensor:
        """Return the difference of two `hardened` means that counts as none [A].

        32 ε · (1 + `scale` + |LSE log η| + |LSE (s + log η)|, of both kinds of negatives), where ε
        is the machine precision: rounding alone makes smaller differences.
        """
        parts = (self.same.weight, self.same.tilted, self.other.weight, self.other.tilted)
        sizes = (torch.where(part.isfinite(), part.abs(), 0) for part in parts)
        return tolerance(sum(sizes, 1 + self.scale))

    def assumption_1(self) -> Tensor:
        """Tell per anchor whether E_{same, η}[e^s] ≥ E_{other, η}[e^s] (arXiv 2209.00078) [A].

        Equality counts, and where the two differ by less than `rounding`, they are equal: at
        complete collapse, where all features are alike, every anchor satisfies it. Anchors without
        negatives of both kinds are left out.
        """
        both = torch.isfinite(self.same.number) & torch.isfinite(self.other.number)
        least = self.other.hardened(self.order) - self.rounding()
        return self.same.hardened(self.order)[both] >= least[both]

    def same_class_mass(self) -> Tensor:
        """Return the share of η that falls on negatives of the anchor's own label [A]."""
        total = self.same.join(self.other).weight
        return torch.where(total == -math.inf, 0, (self.same.weight - total).exp())

    def effective_sample_size(self) -> Tensor:
        """Return (Σ η)² / Σ η² of all negatives, as a share of their number [A], at most 1."""
        every = self.same.join(self.other)
        size = (2 * every.weight - every.square - every.number).exp().clamp_max(1)
        return torch.where(every.weight == -math.inf, 0, size)

    def losses(self, negative_reduction: str = "mean") -> dict[str, float]:
        """Return UCL, SCL, H-UCL and H-SCL with the same positives and Q, averaged over anchors.

        Q is 1 ("mean") or, for all four alike, the number of all negatives ("sum"), so that they
        differ by the negatives' distribution alone, as in arXiv 2209.00078, figure 5. Anchors
        without negatives of another label are left out of all four; NaN when none is left. Raises
        `ValueError` for another `negative_reduction`.
        """
        check_choice("negative_reduction", negative_reduction, ("sum", "mean"))
        every = self.same.join(self.other)
        log_q = every.number if negative_reduction == "sum" else torch.zeros_like(every.number)
        kept = torch.isfinite(self.other.number)[self.row]
        row, positive = self.row[kept], self.positive[kept]
        share = 1 / torch.bincount(row, minlength=len(log_q)).clamp_min(1).to(positive)[row]
        values = {}
        for name, side in (("ucl", every), ("scl", self.other)):
            for key, log_n in (
                (name, side.plain - side.number),
                (f"h-{name}", side.hardened(self.order)),
            ):
                losses = F.softplus((log_q + log_n)[row] - positive)
                values[key] = float((losses * share).sum() / share.sum())
        return values


@names_arguments()
@torch.no_grad()
def negative_statistics(
    z: Tensor,
    graph: Tensor,
    label: Tensor,
    *,
    temperature: float = 0.5,
    hardening: LogEta | Adaptive | None = None,
    positives: str = "views",
) -> AnchorStatistics:
    """Return statistics of the negatives of each row of z [M, d] under η (e^s unless given).

    Negatives are the rows of other graphs. Memory is O(M).

    Args:
        z: features [M, d], as the loss gets them.
        graph: graph [M] that each row is a view of.
        label: integer class [M] of each row.
        temperature: T > 0 of the logits.
        hardening: log η as a function of the logits, or an adaptive hardening; None for η = e^s.
        positives: "views" or "label": who attracts, as in `HSCL`.

    Raises `ValueError` for wrong shapes, features that are not finite, and values out of range.

    >>> from graph_hcl.geometry import simplex
    >>> z = simplex(2).repeat_interleave(2, 0)
    >>> seen = negative_statistics(z, torch.arange(4), torch.tensor([0, 0, 1, 1]), temperature=1.0,
    ...     hardening=Exponential(0.0), positives="label")
    >>> round(seen.losses()["scl"], 4), seen.assumption_1().all()
    (0.1269, tensor(True))
    """
    settings = _settings(temperature, hardening)
    z, graph, label = _checked(z, graph, label)
    check_choice("positives", positives, ("views", "label"))
    pairs = Pairs.among(graph if positives == "views" else label, graph)
    eta = resolve_hardening(settings, z, z, pairs)
    # With rows sorted by label, each class is a slice of columns: no exponential is taken twice,
    # and few of −∞, which is some thirty times slower than others on CPUs.
    order = label.argsort(stable=True)
    columns, names = z[order].t(), graph[order]
    same, other = [], []
    bounds = [0, *label[order].unique_consecutive(return_counts=True)[1].cumsum(0).tolist()]
    for left, right in itertools.pairwise(bounds):
        for rows in order[left:right].split(max(1, BLOCK // len(z))):
            s = z[rows] @ columns / temperature
            weight = eta.of_anchors(rows).push(s)
            own = graph[rows, None] == names
            near, every = own[:, left:right].sum(1), own.sum(1)
            s, weight = (v.masked_fill(own, -math.inf) for v in (s, weight))
            inside, outside = zip(*(_split(v, left, right) for v in (s, weight)), strict=True)
            far = len(z) - (right - left) - (every - near)
            same.append(NegativeStatistics.of(inside[0], inside[1], right - left - near))
            other.append(NegativeStatistics.of(outside[0], outside[1], far))
    back = order.argsort()
    row, column = pairs.positive_pairs()
    near = (z[row] * z[column]).sum(1) / temperature
    length = z.norm(dim=1)
    scale = length * (length.max() / temperature)
    return AnchorStatistics(_joined(same, back), _joined(other, back), row, near, scale, eta.order)


@names_arguments()
@torch.no_grad()
def negative_weights(
    z: Tensor,
    graph: Tensor,
    label: Tensor,
    *,
    temperature: float = 0.5,
    hardening: LogEta | Adaptive | None = None,
    positives: str = "views",
    negatives: str = "all",
) -> Tensor:
    """Return the share of η that each negative of a row has [M, M]; rows sum to 1, or to 0.

    Memory is O(M²).

    Args:
        z: features [M, d], as the loss gets them.
        graph: graph [M] that each row is a view of.
        label: integer class [M] of each row.
        temperature: T > 0 of the logits.
        hardening: log η as a function of the logits, or an adaptive hardening; None for η = e^s.
        positives: "views" or "label": who attracts, as in `HSCL`.
        negatives: "all" other graphs, or those of another "label" only, as SCL and H-SCL have it.

    Raises `ValueError` as `negative_statistics` does.

    >>> z, each = torch.tensor([[1.0], [1.0], [-1.0]]), torch.arange(3)
    >>> negative_weights(z, each, each, temperature=1.0)[0]
    tensor([0.0000, 0.8808, 0.1192])
    """
    settings = _settings(temperature, hardening)
    z, graph, label = _checked(z, graph, label)
    check_choice("positives", positives, ("views", "label"))
    check_choice("negatives", negatives, ("all", "label"))
    chosen = graph[:, None] != graph
    if negatives == "label":
        chosen &= label[:, None] != label
    pairs = Pairs.among(
        graph if positives == "views" else label, label if negatives == "label" else graph
    )
    weighting = resolve_hardening(settings, z, z, pairs)
    return hardness_weights(z @ z.t() / temperature, chosen, weighting)


def _settings(temperature: float, hardening: LogEta | Adaptive | None) -> LossSettings:
    """Return the settings of a loss with η = e^s unless another is given."""
    eta = Exponential(1.0) if hardening is None else hardening
    return LossSettings(temperature=temperature, hardening=eta)


def _checked(z: Tensor, graph: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return features in float32 at least, graphs and labels as int64, or raise `ValueError`."""
    z = features(z).detach()
    longest_row(z)
    return z, as_keys(graph, "graph", z), as_keys(label, "label", z)


def _split(values: Tensor, left: int, right: int) -> tuple[Tensor, Tensor]:
    """Return the columns from `left` to `right`, and all others."""
    rest = torch.cat([values[:, :left], values[:, right:]], 1)
    return values[:, left:right], rest


def _joined(parts: list[NegativeStatistics], order: Tensor) -> NegativeStatistics:
    return NegativeStatistics(*(torch.cat(column)[order] for column in zip(*parts, strict=True)))
