"""The settings of a contrastive loss: each is declared, described and checked here alone."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Literal, TypedDict

from torch import Tensor

from graph_hcl.losses.checks import check_choice, check_flag, check_made, check_number, check_whole
from graph_hcl.losses.hardening import Adaptive, LogEta, NoHardening
from graph_hcl.losses.weighting import Weighting, check_has_weights

Reduction = Literal["mean", "none"]
Mode = Literal["auto", "dense", "tiled", "triton"]
NegativeReduction = Literal["sum", "mean"] | float
Denominator = Literal["positive-and-negatives", "negatives"]


class BasicOptions(TypedDict, total=False):
    """Keyword arguments of every contrastive loss; `LossSettings` describes them."""

    temperature: float | Literal["auto"]
    average: Literal["anchor", "pair"]
    reduction: Reduction
    mode: Mode
    validate_args: bool


class NegativeOptions(BasicOptions, total=False):
    """Keyword arguments of losses that average over negatives."""

    negative_reduction: NegativeReduction
    tau_plus: float
    num_negatives: int | None
    denominator: Denominator


class HardOptions(NegativeOptions, total=False):
    """Keyword arguments of losses that weight their negatives."""

    detach_weights: bool


class LossOptions(HardOptions, total=False):
    """Keyword arguments of the formula itself."""

    hardening: LogEta | Adaptive | None


class PsiOptions(TypedDict, total=False):
    """Keyword arguments of `psi_loss`."""

    temperature: float
    hardening: LogEta | Adaptive | None
    negative_reduction: NegativeReduction
    average: Literal["anchor", "pair"]
    detach_weights: bool
    num_negatives: int | None
    reduction: Reduction
    validate_args: bool


class InfoGraphOptions(TypedDict, total=False):
    """Keyword arguments of `InfoGraph`."""

    temperature: float
    reduction: Reduction
    validate_args: bool


class HInfoGraphOptions(InfoGraphOptions, total=False):
    """Keyword arguments of `HInfoGraph` in addition to those of its hardening."""

    tau_plus: float
    detach_weights: bool


class JensenShannonOptions(HInfoGraphOptions, total=False):
    """Keyword arguments of `jensen_shannon_loss`."""

    hardening: LogEta | Adaptive | None


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """What a contrastive loss is computed with; see `contrastive_loss` for the formula.

    Args:
        temperature: T > 0; logits are inner products divided by it. A `ContrastiveLoss` takes
            "auto", too: in each batch the T at which 5 % of an anchor's negatives count.
        hardening: log η as a function of the logits, an `Adaptive` one, a `PowerMean`, or None for
            η = 1.
        negative_reduction: Q_i, "sum" for the number of negatives |N(i)|, "mean" for 1, or a number
            above 0 for any other constant.
        average: "anchor" averages over the positives of each anchor first, "pair" over all pairs.
        tau_plus: τ⁺ in [0, 1), the class prior of the debiased estimator of Robinson et al.
            (ICLR 2021); 0 does not debias.
        detach_weights: stops the gradient through η, as in sampling from the hardened distribution.
        num_negatives: draws that many negatives per positive pair ∝ η, with replacement (1 or
            more), instead of averaging over all of them (None).
        denominator: what e^{s_ip} is divided by. "positive-and-negatives" is e^{s_ip} + n_i;
            "negatives" is n_i alone, ℓ_ip = log n_i − s_ip: the decoupled loss (arXiv 2110.06848),
            which may fall below 0, or NT-Xent and SupCon where N(i) holds the positives already.
        reduction: "mean", or "none" for one value per anchor, 0 where an anchor does not count.
        mode: how it is computed. "dense" holds all logits; "tiled" holds O(rows); "triton" does so
            by kernels for a GPU, for η = e^{βs} and power means; "auto" takes whichever is fastest,
            with all logits for small batches only, and Triton on a GPU where it is installed.
        validate_args: checks settings, shapes and, on the CPU, whether features are finite; a
            check never waits for another device.

    Raises `ValueError` for a value outside these ranges, and for two that exclude each other.

    >>> LossSettings(temperature=0.1).negative_reduction
    'sum'
    >>> LossSettings(tau_plus=1.0)
    Traceback (most recent call last):
    ValueError: Expected tau_plus to be in [0, 1), but got 1.0.
    """

    temperature: float = 0.5
    hardening: LogEta | Adaptive | None = None
    negative_reduction: NegativeReduction = "sum"
    average: Literal["anchor", "pair"] = "anchor"
    tau_plus: float = 0.0
    detach_weights: bool = False
    num_negatives: int | None = None
    denominator: Denominator = "positive-and-negatives"
    reduction: Reduction = "mean"
    mode: Mode = "auto"
    validate_args: bool = True

    def __post_init__(self) -> None:
        check_flag("validate_args", self.validate_args)
        if not self.validate_args:
            return
        check_flag("detach_weights", self.detach_weights)
        check_number("temperature", self.temperature)
        check_number("tau_plus", self.tau_plus)
        if not 0 < self.temperature < math.inf:
            raise ValueError(
                f"Expected temperature to be above 0 and finite, but got {self.temperature}."
            )
        if not 0 <= self.tau_plus < 1:
            raise ValueError(f"Expected tau_plus to be in [0, 1), but got {self.tau_plus}.")
        self._check_negative_reduction()
        check_choice("denominator", self.denominator, ("positive-and-negatives", "negatives"))
        check_choice("average", self.average, ("anchor", "pair"))
        check_choice("mode", self.mode, ("auto", "dense", "tiled", "triton"))
        check_choice("reduction", self.reduction, ("mean", "none"))
        known = self.hardening is None or isinstance(self.hardening, Adaptive)
        if not (known or callable(self.hardening)):
            raise ValueError(
                "Expected hardening to be a function of the logits or an adaptive one, but got "
                f"{self.hardening!r}."
            )
        check_made("hardening", self.hardening)
        if self.num_negatives is not None:
            check_whole("num_negatives", self.num_negatives, 1)
        self._check_combinations()

    def _check_negative_reduction(self) -> None:
        given = self.negative_reduction
        number = isinstance(given, numbers.Real) and not isinstance(given, bool)
        if not (0 < given < math.inf if number else given in ("sum", "mean")):  # type: ignore[operator]
            raise ValueError(
                "Expected negative_reduction to be sum, mean or a number above 0 and finite, but "
                f"got {given!r}."
            )

    def _check_combinations(self) -> None:
        if self.reduction == "none" and self.average == "pair":
            raise ValueError(
                "Expected average anchor with reduction none: a mean over all pairs is no mean "
                "over anchors."
            )
        if self.mode in ("tiled", "triton") and self.reduction == "none":
            raise ValueError(
                "Expected mode dense or auto with reduction none: it keeps all logits."
            )
        if self.mode in ("tiled", "triton") and self.num_negatives is not None:
            raise ValueError(
                "Expected mode dense or auto with num_negatives: draws need all logits."
            )

        if self.detach_weights:
            check_has_weights(self.hardening, "detach_weights")
        if self.num_negatives is not None:
            check_has_weights(self.hardening, "num_negatives")

    def check_psi(self) -> None:
        """Raise `ValueError` for settings that exclude a ψ.

        >>> LossSettings(tau_plus=0.1).check_psi()
        Traceback (most recent call last):
        ValueError: Expected tau_plus 0 with psi: the debiased estimator is InfoNCE's.
        """
        if self.tau_plus:
            raise ValueError("Expected tau_plus 0 with psi: the debiased estimator is InfoNCE's.")
        check_has_weights(self.hardening, "psi")
        if self.mode in ("tiled", "triton"):
            raise ValueError("Expected mode auto or dense with psi: it keeps all logits.")
        if self.denominator == "negatives":
            raise ValueError(
                "Expected denominator positive-and-negatives with psi: psi says what is summed, as "
                "infonce with psi_options {alpha: 0} does without the positive."
            )

    @property
    def log_eta(self) -> LogEta | Adaptive:
        """The hardening, with η = 1 spelled out."""
        return self.hardening or NoHardening()

    def weighting(self, beta: Tensor | None = None) -> Weighting:
        """Return the weighting of the negatives; β [A] of an adaptive hardening must be given.

        >>> LossSettings().weighting().beta
        0.0
        """
        log_eta = self.log_eta
        if isinstance(log_eta, Adaptive):
            return Weighting(beta, detached=self.detach_weights)
        return Weighting.of(log_eta, self.detach_weights)
