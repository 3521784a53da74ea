"""Trials: complete configurations, and the hashes that identify them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graph_hcl.benchmarking import identity
from graph_hcl.benchmarking.measurement import find_measurement
from graph_hcl.benchmarking.spec import BenchmarkSpec
from graph_hcl.config import OFFICIAL, Config
from graph_hcl.data import find_card
from graph_hcl.data.fetch import content_sha256
from graph_hcl.data.names import is_function, is_ogb
from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.initial import read_pretrained
from graph_hcl.objective_factory import make_objective
from graph_hcl.probes.choice import EXACT_LIMIT
from graph_hcl.registries import BASELINES, PROTOCOLS
from graph_hcl.user_code import user_code

FORMAT = 1
"""Raised when a record holds something else, or when a default changes results."""
BASELINE_SETTINGS = ("dataset", "protocol", "seed", "data", "probe")
"""Settings, and groups of them, that the result of a baseline depends on."""
READ_EDGES = ("wl-subtree", "wl-oa")
"""Baselines that read the attributes of edges, which they did not when first recorded."""


@dataclass(frozen=True)
class Trial:
    """One data set, method, candidate, repetition and protocol.

    `epochs` are those at which the embeddings are measured, 0 before training; `point` holds the
    settings that distinguish the candidate from the others of its method. `baseline` names
    features or kernels that need no training, `measure` an import path of a `Measurement`,
    `selected_on` the data sets that the settings were chosen on, and `threads` how many of torch
    and BLAS compute, which decides the last bits of the result. One that `needs_validation` is of
    several candidates, or of a table of validation scores alone.
    """

    dataset: str
    method: str
    protocol: str
    config: Config
    epochs: tuple[int, ...]
    point: dict[str, Any]
    baseline: str | None = None
    measure: str | None = None
    selected_on: tuple[str, ...] = ()
    threads: int = 1
    needs_validation: bool = False

    def _settings(self) -> dict[str, Any]:
        """Return the settings that affect the result, by dotted name; files by their content."""
        settings = identity.settings(self.config)
        if settings["probe.splits"] not in (None, OFFICIAL):
            content = as_path(settings["probe.splits"], "probe.splits").read_bytes()
            settings["probe.splits"] = hashlib.sha256(content).hexdigest()
        if settings["init_from"] is not None:
            settings["init_from"] = read_pretrained(settings["init_from"]).sha256
        if not self._reads_quantities():
            del settings["data.standardize"]  # it would have no effect
        if settings["probe.fraction"] == 1:
            del settings["probe.draws"]  # likewise
        if settings["probe.name"] is None:
            settings["probe.name"] = self._usual_probe(settings["probe.fraction"])
        if self.baseline is None:
            return settings
        return {k: v for k, v in settings.items() if k.split(".")[0] in BASELINE_SETTINGS}

    def _usual_probe(self, fraction: float) -> str | None:
        """Return what the default probe is called in the key; None leaves it out of the name.

        The default of few graphs with classes was always svm. Without a card, only the graphs tell
        which it is: it may be another than a probe svm by name, and records tell which.
        """
        card = find_card(self.dataset)
        if card is None:
            return "auto"
        return "nystroem-svm" if round(card.graphs * fraction) > EXACT_LIMIT else None

    def _reads_quantities(self) -> bool:
        """Return whether there are node features to standardise, not categories alone."""
        card = find_card(self.dataset)
        always = card is None or card.features in ("attributes", "degree-log")
        return always or self.config.data.node_attributes

    def _may_have_edge_attributes(self) -> bool:
        """Return False where the published files of the data set's card are none of edges."""
        card = find_card(self.dataset)
        published = {} if card is None else card.sha256
        return not published or any(name.startswith("edge_") for name in published)

    @cached_property
    def code(self) -> dict[str, str]:
        """Hashes of the user's modules that the settings name by import path, see `user_code`."""
        return user_code(self._settings(), self.measure, self.baseline)

    @cached_property
    def data_sha256(self) -> str | None:
        """What `read_data_sha256` returned first: the content that the trial's name stands for."""
        return self.read_data_sha256()

    def read_data_sha256(self) -> str | None:
        """Return the hash of the raw files of a data set as they are now.

        None for one whose card publishes their hashes, for one that is no files of the user's, and
        for files that cannot be read, which running the trial reports.
        """
        card = find_card(self.dataset)
        if is_ogb(self.dataset) or is_function(self.dataset) or (card is not None and card.sha256):
            return None  # other files are refused, and `code` is that of a function
        try:
            return content_sha256(self.dataset, self.config.data_dir, self.config.mirror)
        except UserError:
            return None

    def key(self) -> dict[str, Any]:
        """Return everything that affects the result, as plain values by their frozen names."""
        named = {identity.frozen_name(name): value for name, value in self._settings().items()}
        return self._key | {"config": identity.nested(named)}

    @cached_property
    def _key(self) -> dict[str, Any]:
        """What affects the result besides the settings."""
        key: dict[str, Any] = {"format": FORMAT, "control": self.baseline}
        if self.measure is not None:
            key["measure"] = self.measure
        if self.code:
            key["code"] = self.code
        if self.data_sha256 is not None:
            key["data_sha256"] = self.data_sha256
        if self.threads != 1:  # the first trials were of one
            key["threads"] = self.threads
        key["epochs"] = list(self.epochs)
        card = find_card(self.dataset)
        if card is not None and card.features.startswith("degree"):
            # The card decides how degrees become features; no setting does.
            key["degrees"] = [card.features, card.degree_cap]
        if self.baseline in READ_EDGES and self._may_have_edge_attributes():
            key["edge_attributes"] = True
        return key

    @cached_property
    def name(self) -> str:
        """Hash of the complete configuration; it identifies the trial's record.

        Settings at their frozen defaults are not part of it, so a new setting or a changed default
        leaves the names of finished trials as they are.
        """
        unusual = {
            identity.frozen_name(name): value
            for name, value in self._settings().items()
            if not identity.is_usual(name, value)
        }
        return identity.name_of(self._key, unusual)


def expand(spec: BenchmarkSpec) -> list[Trial]:
    """Return all trials of a benchmark, ordered by repetition.

    A method that reads labels has no transductive trials, where it would leak them. Raises
    `UserError` for a method whose settings are refused, of which only some candidates read labels,
    and for one with a candidate twice: each would have fewer than it says.
    """
    trials: list[Trial] = []
    for protocol in spec.protocols:
        for dataset in spec.datasets:
            for name in spec.methods:
                trials += _candidates(spec, protocol, dataset, name)
    return sorted(trials, key=lambda trial: trial.config.seed)


def _candidates(spec: BenchmarkSpec, protocol: str, dataset: str, name: str) -> Iterator[Trial]:
    method, baseline = spec.methods[name], None
    if method.measure is not None:
        find_measurement(method.measure)
    candidates = [(point, *make_objective(c)) for point, c in spec.configs(name, dataset, protocol)]
    if method.baseline is not None:
        baseline = BASELINES.canonical(method.baseline)
        BASELINES.get(baseline)
    elif PROTOCOLS.get(protocol).trains_on_test_graphs:
        leaking = [point for point, objective, _ in candidates if objective.tags.labels]
        if len(leaking) == len(candidates):
            return
        if leaking:
            raise UserError(
                f"Expected all candidates of the method '{name}' to read labels or none, since the "
                f"protocol {protocol} leaves out those that do, but {_shown(leaking[0])} does and "
                "others do not: make it a method of its own."
            )
    first: list[Trial] = []
    for point, _, config in candidates:
        epochs: tuple[int, ...] = (0,)
        if baseline is None:
            epochs = tuple(sorted(set(method.epochs))) or (config.epochs,)
            config = dataclasses.replace(config, epochs=max(epochs))
        several = len(candidates) * len(epochs) > 1
        needs_validation = method.measure is None and (several or spec.development)
        first.append(
            Trial(
                dataset,
                name,
                protocol,
                config,
                epochs,
                point,
                baseline,
                method.measure,
                tuple(method.selected_on),
                spec.threads,
                needs_validation,
            )
        )
    _check_different(first)
    for trial in first:
        yield trial
        for seed in range(spec.seed + 1, spec.seed + spec.repeats):
            yield dataclasses.replace(trial, config=dataclasses.replace(trial.config, seed=seed))


def _check_different(candidates: list[Trial]) -> None:
    """Raise `UserError` for two candidates of a method that are one trial, by its name."""
    known: dict[str, Trial] = {}
    for trial in candidates if len(candidates) > 1 else ():
        if (same := known.setdefault(trial.name, trial)) is not trial:
            raise UserError(
                f"Expected different candidates of the method '{trial.method}', but "
                f"{_shown(same.point)} and {_shown(trial.point)} are the same on {trial.dataset}: "
                "leave one of them out."
            )


def _shown(point: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in point.items()) or "the settings"
