"""What all contrastive objectives share: settings, keys, a memory bank, and a schedule of β."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, Unpack

import torch
from torch import Tensor

from graph_hcl.losses._kernels.dispatch import compute_loss, compute_psi_loss
from graph_hcl.losses.checks import (
    check_choice,
    check_flag,
    check_made,
    check_shape,
    check_whole,
    transformed,
)
from graph_hcl.losses.contrast import (
    CONTRASTS,
    Block,
    Contrast,
    contrast_blocks,
    counted_anchors,
    counted_rows,
    join_losses,
    sampled_rows,
    two_view_numbers,
    view_numbers,
)
from graph_hcl.losses.finite import largest_product
from graph_hcl.losses.gather import Gather, gathered
from graph_hcl.losses.hardening import Annealing
from graph_hcl.losses.inputs import check_views, join_views
from graph_hcl.losses.memory_bank import MemoryBank
from graph_hcl.losses.objective import Epoch, ObjectiveInput, ObjectiveTags, SettingsModule
from graph_hcl.losses.options import DEFAULTS, ModuleOptions, describes_arguments, lists_options
from graph_hcl.losses.pairs import Pairs
from graph_hcl.losses.precision import unit
from graph_hcl.losses.psi import Psi
from graph_hcl.losses.resolver import make_psi
from graph_hcl.losses.settings import LossOptions, LossSettings
from graph_hcl.losses.temperature import LOWEST, choose_temperature, warn_of_few_negatives
from graph_hcl.warn import warn_user


@describes_arguments(LossSettings)
class ContrastiveLoss(SettingsModule):
    """The base of the contrastive objectives: rows, keys, a memory bank, a schedule of β.

    Derive from it for another objective: `keys` says who attracts and who repels, `uses_labels`
    whether it reads labels, and `penalty` adds a term.

    Args:
        temperature: T > 0 of logits ⟨z_i, z_j⟩ / T, or "auto": in each batch the T at which 5 % of
            an anchor's negatives count, from 0.02 to 1, see `choose_temperature`. A batch of so few
            negatives that one of them is 5 % of an anchor's, on average over the anchors, keeps
            that of the last other one above 0.02 in training, or 0.5 before any.
        normalize: divide each row by its length first. False for rows that have length 1 already,
            or that are meant to differ in length.
        memory_size: features of earlier batches that are further negatives, 0 or more. Graphs must
            then have the same numbers in all batches; without `graph`, every remembered row is
            another graph.
        psi: a ψ of arXiv 2311.05139 by name, import path or as a callable, instead of InfoNCE.
        psi_options: keyword arguments of a ψ given by name.
        gather: collects the rows of several processes, see `Gather`.
        contrast: which rows are anchors of which samples. "all": each row with all others.
            "across-views": each row with those of other views only, so that its negatives come
            from other views. "first-view" or "last-view": the same for the rows of that view
            alone. The k-th row of a graph is its k-th view. Remembered rows are samples in earlier
            batches, and negatives of every anchor here.
        include_self: the anchor's own row counts like any other: it is one of its positives and,
            where all rows repel, one of its negatives (published code of arXiv 2311.05139).

    Attributes:
        longest: the largest length of rows that come with `normalize=False`, where it is known: a
            GPU need not be asked for it then. None where it is not; the CPU looks for itself.

    Raises:
        ValueError: for values out of range, for settings without effect, and for rows, graphs or
            labels that do not fit each other.

    >>> class OtherLabelsRepel(ContrastiveLoss):
    ...     uses_labels = True
    ...     def keys(self, graph, label):
    ...         return graph, label
    >>> z, label = torch.eye(2), torch.tensor([0, 1])
    >>> OtherLabelsRepel(temperature=1.0)(z, z, label)  # log(1 + 2 / e)
    tensor(0.5514)
    """

    uses_labels = False

    _kept_temperature: float | None = None
    """The temperature that "auto" keeps for batches of few negatives."""
    _has_warned_of_few = False

    @lists_options(ModuleOptions, **DEFAULTS)
    def __init__(
        self,
        *,
        normalize: bool = True,
        memory_size: int = 0,
        psi: str | Psi | None = None,
        psi_options: dict[str, Any] | None = None,
        gather: Gather | None = None,
        contrast: Contrast = "all",
        include_self: bool = False,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__()
        self.auto_temperature = options.get("temperature") == "auto"
        if self.auto_temperature:
            options["temperature"] = LossSettings.temperature
            if gather is not None:
                raise ValueError(
                    "Expected a number as temperature with gather: each process would choose its "
                    "own."
                )
        self.settings = LossSettings(**options)  # type: ignore[arg-type]
        if psi is not None:
            self.settings.check_psi()
        check_choice("contrast", contrast, CONTRASTS)
        if include_self and contrast != "all":
            raise ValueError(
                "Expected contrast all with include_self: no other view holds the anchor itself."
            )
        check_flag("normalize", normalize)
        check_flag("include_self", include_self)
        if psi is None and psi_options:
            raise ValueError("Expected no psi_options without psi: they would have no effect.")
        check_whole("memory_size", memory_size, 0)
        if memory_size and gather is not None:
            raise ValueError("Expected memory_size 0 with gather: take one of the two.")
        check_made("gather", gather)
        self.normalize = normalize
        self.longest: float | None = None
        self.psi = None if psi is None else make_psi(psi, psi_options)
        self.memory = MemoryBank(memory_size) if memory_size else None
        self.gather = gather
        self.contrast: Contrast = contrast
        self.include_self = include_self
        self.annealing: Annealing | None = None
        self._was_annealed = True
        self._has_warned_of_label = False
        # A derived class may have a `forward` of its own that does not ask for them.
        self._takes_views = "views" in inspect.signature(self.forward).parameters

    @property
    def tags(self) -> ObjectiveTags:
        """What the objective reads."""
        return ObjectiveTags(labels=self.uses_labels)

    def keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return positive and negative keys [M].

        Rows with equal positive keys attract, rows with different negative keys repel, and all
        rows do if there is no negative key. Here, other views attract and other graphs repel.
        """
        return graph, graph

    def penalty(self, z: Tensor) -> Tensor | None:
        """Return what is added to the loss [], or None; z [M, d] are the normalised rows."""
        return None

    def on_epoch(self, epoch: Epoch) -> None:
        """Set β to its value in the epoch that is about to start, if there is a schedule.

        Raises `ValueError` for what is no `Epoch`, or one outside the training.
        """
        if not isinstance(epoch, Epoch):
            raise ValueError(f"Expected an epoch as Epoch(number, total), but got {epoch!r:.60}.")
        if self.annealing is not None:
            self._set_beta(self.annealing.beta(epoch.progress))
            self._was_annealed = True

    def compute(self, given: ObjectiveInput) -> Tensor:
        """Return the loss of a batch, as the training loop asks for it."""
        label = given.label if self.uses_labels else None
        known: dict[str, Any] = {"views": given.views} if self._takes_views else {}
        loss: Tensor = self(given.z, graph=given.graph, label=label, **known)
        return loss

    def count(self, given: ObjectiveInput) -> Tensor:
        """Return how many rows have both a positive and a negative [], and so count."""
        pairs = self._pairs(*self._keys(given.graph, given.label))
        if self.contrast == "all":
            return counted_anchors(pairs).sum()
        return counted_rows(self._blocks(pairs, view_numbers(given.graph)), len(given.graph)).sum()

    def forward(
        self,
        z: Tensor,
        other: Tensor | None = None,
        label: Tensor | None = None,
        *,
        graph: Tensor | None = None,
        views: int | None = None,
    ) -> Tensor:
        """Return the loss [], or the value of each row [M] with `reduction="none"`.

        Args:
            z: one view [B, d] of each graph, or rows [M, d] of any number of views.
            other: a second view [B, d] of the same graphs.
            label: one label per row of z, where the objective reads labels: bool, integers, or
                floats that are whole numbers.
            graph: the graph [M] that each row of z is a view of; needed without `other`.
            views: number of views, if the rows are those of the first view of distinct graphs, then
                those of the second in the same order, and so on. It changes no value, but a GPU
                need not be asked which rows are of one graph.

        Raises:
            ValueError: for shapes, types or values that do not fit.
        """
        self._warn_if_not_annealed()
        rows = join_views(z, other, graph, label, validate=self.settings.validate_args)
        if views is not None and self.settings.validate_args:
            check_views(views, rows.graph)
        z, kind, new = rows.z, rows.z.dtype, 0 if rows.graph is not None else len(rows.z) // 2
        if self.normalize:
            z = unit(z)
        names = self._names(new, z.device) if rows.graph is None else rows.graph
        if rows.label is not None and not self.uses_labels:
            self._warn_of_label()
        positive, negative = self._keys(names, rows.label)
        samples, pairs = self._samples(z, positive, negative)
        if samples is None and positive is names and negative is names:
            pairs = dataclasses.replace(pairs, copies=2 if rows.graph is None else views)
        if self.auto_temperature:
            self._choose_temperature(z, samples, pairs)
        view: Tensor | None = None
        if self.contrast == "all":
            loss = self._evaluate(z, samples, pairs, kind)
        else:
            view = view_numbers(names) if other is None else two_view_numbers(len(z), z.device)
            blocks = self._blocks(pairs, view, views if other is None else 2)
            columns = z if samples is None else samples
            losses = []
            for block in blocks:
                part, others = z[block.rows], columns[block.columns]
                losses.append(self._evaluate(part, others, block.pairs, kind))
            loss = join_losses(losses, blocks, self.settings, z)
        if (penalty := self.penalty(z)) is not None:
            check_shape("a penalty", penalty, [])
            if self.settings.reduction == "none":
                penalty = penalty * (
                    counted_anchors(pairs) if view is None else counted_rows(blocks, len(z))
                )
            loss = loss + penalty
        # Last, so that rows which the loss refuses are not remembered.
        if self.memory is not None and negative is not None and self.training:
            kept = slice(None) if view is None else sampled_rows(self.contrast, view)
            self.memory.push(z[kept], negative[kept], new)
        return loss

    def _keys(self, graph: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the keys; raise `ValueError` for what a derived class may have returned instead.

        Others than tensors in the pair are found where the pairs are made.
        """
        keys = self.keys(graph, label)
        if not isinstance(keys, tuple) or len(keys) != 2:
            raise ValueError(
                f"Expected keys of {type(self).__name__} as a pair of positive and negative keys, "
                f"but got {type(keys).__name__}."
            )
        return keys

    def _blocks(self, pairs: Pairs, view: Tensor, views: int | None = None) -> list[Block]:
        """Return the blocks of a contrast across views; `view` [M] is that of each row.

        `views` is their number, where it is known.
        """
        sampled = view if self.gather is None else self.gather(view)
        remembered = view.new_full((len(pairs.positive[1]) - len(sampled),), -1)
        return contrast_blocks(self.contrast, pairs, view, torch.cat([sampled, remembered]), views)

    def _choose_temperature(self, z: Tensor, samples: Tensor | None, pairs: Pairs) -> None:
        chosen = choose_temperature(z, z if samples is None else samples, pairs)
        if chosen is None and self._kept_temperature is None and not self._has_warned_of_few:
            self._has_warned_of_few = True
            warn_of_few_negatives(LossSettings.temperature)
        if chosen is not None and chosen > LOWEST and self.training:
            self._kept_temperature = chosen
        self._take_temperature(self._kept_temperature if chosen is None else chosen)

    def _take_temperature(self, chosen: float | None) -> None:
        temperature = LossSettings.temperature if chosen is None else chosen
        self.settings = dataclasses.replace(self.settings, temperature=temperature)

    def forget_temperature(self) -> None:
        """Forget the temperature that "auto" keeps for batches of few negatives.

        A training does so before its first batch.

        >>> loss = ContrastiveLoss(temperature="auto")
        >>> loss.forget_temperature()
        >>> loss.temperature
        0.5
        """
        if self.auto_temperature:
            self._kept_temperature = None
            self._take_temperature(None)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self._kept_temperature is not None:
            kept = torch.tensor(self._kept_temperature, dtype=torch.float64)
            destination[f"{prefix}temperature"] = kept

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        kept = state_dict.pop(f"{prefix}temperature", None)
        if kept is not None and self.auto_temperature:
            self._kept_temperature = float(kept)
            self._take_temperature(self._kept_temperature)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _evaluate(
        self, z: Tensor, samples: Tensor | None, pairs: Pairs, kind: torch.dtype
    ) -> Tensor:
        reach = largest_product(z, samples, self.settings)
        if self.psi is not None:
            return compute_psi_loss(z, samples, pairs, self.settings, self.psi)
        longest = 1.0 if self.normalize else self.longest
        if reach is None and longest is not None and not transformed():
            reach = longest**2
        return compute_loss(z, samples, pairs, self.settings, reach, kind)

    def _names(self, count: int, device: torch.device) -> Tensor:
        """Return names [2 · count] of the graphs of two views, which no other process gives."""
        if self.memory is not None:
            return self.memory.fresh(count, device).repeat(2)
        first = 0 if self.gather is None else count * self.gather.rank
        return (torch.arange(count, device=device) + first).repeat(2)

    def _pairs(self, positive: Tensor, negative: Tensor | None) -> Pairs:
        if self.memory is None or negative is None:
            return self._with_self(Pairs.among(positive, negative))
        return self._with_self(self.memory.pairs(positive, negative))

    def _with_self(self, pairs: Pairs) -> Pairs:
        return dataclasses.replace(pairs, self_index=None) if self.include_self else pairs

    def _samples(
        self, z: Tensor, positive: Tensor, negative: Tensor | None
    ) -> tuple[Tensor | None, Pairs]:
        """Return what the rows are contrasted with, None for themselves, and the pairs."""
        if self.gather is not None:
            gathered_samples, pairs = gathered(self.gather, z, positive, negative)
            return gathered_samples, self._with_self(pairs)
        if self.memory is None or negative is None:
            return None, self._with_self(Pairs.among(positive, negative))
        samples, pairs = self.memory.join(z, positive, negative)
        return (samples if samples is not z else None), self._with_self(pairs)

    def _anneal_from(self, annealing: Annealing | None) -> None:
        """Start a schedule; β is its first value until the first `on_epoch`."""
        self.annealing = annealing
        if annealing is not None:
            self._set_beta(annealing.beta(0.0))
            self._was_annealed = False

    def _set_beta(self, beta: float) -> None:
        hardening: Any = dataclasses.replace(self.settings.hardening, beta=beta)  # type: ignore[type-var]
        self.settings = dataclasses.replace(self.settings, hardening=hardening)

    def _warn_if_not_annealed(self) -> None:
        if not self._was_annealed and not transformed():
            self._was_annealed = True  # warn once
            warn_user(
                f"With a schedule, {type(self).__name__} stays at beta_start until its on_epoch is "
                "called: call on_epoch(Epoch(number, total)) before each epoch."
            )

    def _warn_of_label(self) -> None:
        if not self._has_warned_of_label and not transformed():
            self._has_warned_of_label = True
            warn_user(
                f"{type(self).__name__} reads no labels (its uses_labels is False): leave label "
                "out, or take a loss that reads them, such as SCL."
            )

    def extra_repr(self) -> str:
        """Return the settings that differ between objectives."""
        temperature = "auto" if self.auto_temperature else self.temperature
        return f"temperature={temperature}, hardening={self.hardening}"
