"""The objective of a config, and the settings that it determines."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import torch
from torch import Tensor

from graph_hcl.config import Config, ProjectionConfig
from graph_hcl.data.fetch import canonical_name
from graph_hcl.errors import UserError
from graph_hcl.losses import ContrastiveLoss
from graph_hcl.losses.objective import Objective, ObjectiveInput, as_objective
from graph_hcl.parts import NO_PARTS, Parts, fresh, shown
from graph_hcl.registries import NAMED_BY, OBJECTIVES
from graph_hcl.schema import flag
from graph_hcl.settings import flat_settings, replace_settings


def with_canonical_names(config: Config) -> Config:
    """Return the config with the registered spelling of all names.

    >>> config = with_canonical_names(Config(dataset="mutag", objective="H-UCL", backbone="GIN"))
    >>> config.dataset, config.objective, config.backbone
    ('MUTAG', 'h-ucl', 'gin')
    """
    names = {"dataset": canonical_name(config.dataset, config.data_dir, config.mirror)}
    settings = flat_settings(config)
    for setting, registry in NAMED_BY.items():
        if isinstance(name := settings[setting], str):
            names[setting] = registry.canonical(name)
    return replace_settings(config, names)


def make_objective(config: Config, parts: Parts = NO_PARTS) -> tuple[Objective, Config]:
    """Return the objective, and the config with the objective's defaults filled in.

    An objective given as an object is copied, so that no state goes from one training to the next.
    Raises `UserError` for a setting that the objective does not take, and for any setting of an
    objective that is an object.

    >>> objective, completed = make_objective(Config(dataset="MUTAG", objective="ucl"))
    >>> completed.temperature, completed.beta
    (0.5, None)
    """
    config = with_canonical_names(parts.named(config))
    if parts.objective is not None and not isinstance(parts.objective, type):
        objective = _copied_objective(config, parts)
        head = _make_projection(config, objective)
        return _bounded(objective, head), dataclasses.replace(config, projection=head)
    make = parts.objective or OBJECTIVES.get(config.objective)
    accepted = inspect.signature(make).parameters
    general = {"beta": config.beta, "temperature": config.temperature}
    special: dict[str, Any] = dataclasses.asdict(config.loss)
    options = special.pop("options")
    for name, value in (general | special).items():
        if value is not None and name not in accepted:
            typed = flag(name if name in general else f"loss.{name}")
            raise UserError(
                f"The objective '{shown(config.objective)}' takes no {typed}: leave it out, or "
                "choose an objective that does."
            )
    arguments = {k: v for k, v in (general | special).items() if v is not None}
    # Not by the objective: the model normalises, by --projection.normalize.
    fixed = {"normalize": False} if "normalize" in accepted else {}
    try:
        objective = as_objective(make(**arguments, **fixed, **options))
    except (TypeError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise UserError(f"The objective '{shown(config.objective)}': {reason}.") from error
    defaults = {k: p.default for k, p in accepted.items() if p.default is not p.empty}
    values: dict[str, Any] = {name: defaults.get(name) for name in general | special} | arguments
    completed = dataclasses.replace(
        config,
        beta=values["beta"],
        temperature=values["temperature"],
        loss=dataclasses.replace(config.loss, **{name: values[name] for name in special}),
        projection=_make_projection(config, objective),
    )
    return _bounded(objective, completed.projection), completed


def _bounded(objective: Objective, head: ProjectionConfig) -> Objective:
    """Return the objective, which is told how long the rows of such a head are at most."""
    if isinstance(objective, ContrastiveLoss) and head.normalize in ("sphere", "ball"):
        objective.longest = 1.0
    return objective


def _copied_objective(config: Config, parts: Parts) -> Objective:
    """Return a copy of the objective that is an object, which then leaves normalising to the model.

    Raises `UserError` for settings of the config that the object has itself.
    """
    values: dict[str, Any] = {"beta": config.beta, "temperature": config.temperature}
    values |= {f"loss.{name}": value for name, value in dataclasses.asdict(config.loss).items()}
    typed = [flag(name) for name, value in values.items() if value not in (None, {})]
    if typed:
        raise UserError(
            f"Expected no {' and no '.join(typed)} with the objective "
            f"{shown(config.objective)}, which is an object: give it its settings when it is made."
        )
    loss = fresh(parts.objective, "objective")
    if isinstance(loss, ContrastiveLoss) and loss.normalize:
        if config.projection.normalize not in (None, "sphere"):
            raise UserError(
                f"Expected normalize=False of the objective {shown(config.objective)} with "
                f"--projection.normalize {config.projection.normalize}, but got True: its features "
                "would be put on the sphere."
            )
        loss.normalize = False
    try:
        return as_objective(loss)
    except ValueError as error:
        raise UserError(str(error)) from error


def _make_projection(config: Config, objective: Objective) -> ProjectionConfig:
    """Return the head's settings; class logits are by default not normalised."""
    head, logits = config.projection, objective.tags.logits
    if logits and (head.dim is not None or head.layers == 0):
        raise UserError(
            f"Expected --projection.layers of 1 or more and no --projection.dim with the objective "
            f"'{shown(config.objective)}': its head ends in one column per class."
        )
    if head.layers == 0 and head.dim is not None:
        raise UserError(
            f"Expected no --projection.dim with --projection.layers 0, but got {head.dim}: leave "
            "it out, since features are then the embeddings, or give 1 layer or more."
        )
    return dataclasses.replace(head, normalize=head.normalize or ("none" if logits else "sphere"))


def check_counted(objective: Objective, name: str, views: int, label: Tensor) -> None:
    """Raise `UserError` where no graph has both a positive and a negative, with so many views.

    `name` is the objective's name in the message. Objectives that cannot count are not checked.

    >>> from graph_hcl import losses
    >>> check_counted(losses.UCL(), "ucl", 1, torch.tensor([0, 1]))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected two --views or more with ucl: other views of a graph are \
its only positives.
    """
    graph, none = torch.arange(len(label), device=label.device), torch.empty(0)

    def count(views: int) -> Tensor | None:
        return objective.count(ObjectiveInput(none, graph.repeat(views), label.repeat(views)))

    counted = count(views)
    if counted is None or int(counted):
        return
    if int(counted if (twice := count(2)) is None else twice):
        raise UserError(
            f"Expected two --views or more with {name}: other views of a graph are its only "
            "positives."
        )
    if len(label) < 2:
        raise UserError(
            f"Expected two graphs or more with {name}, but got one sample: a contrast needs "
            "another."
        )
    raise UserError(
        f"Expected graphs of two labels or more with {name}: otherwise no graph has a negative."
    )
