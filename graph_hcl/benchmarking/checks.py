"""What is refused before the first trial, so that no end of a long benchmark tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from graph_hcl.benchmarking.spec import BenchmarkSpec
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.errors import UserError
from graph_hcl.factory import complete_config
from graph_hcl.probes import find_probe
from graph_hcl.probes.probe import selects
from graph_hcl.schema import SHORT

DECIDED = {
    "dataset": "name it under 'datasets' of the file",
    "protocol": "name it under 'protocols' of the file",
    "seed": "give it as 'seed' of the file",
    "repeats": "give it as 'repeats' of the file",
    "out": "give the command --out",
}
"""Settings that a benchmark decides itself, and how it is told them."""
COMPARED_BY = (
    *("probe.metric", "probe.folds", "probe.splits", "probe.validation", "probe.fraction"),
    *("probe.draws", "data.labels", "data.groups", "data.random_labels"),
)
"""Settings that candidates share, as their validation scores would not compare otherwise."""


def check_settings(spec: BenchmarkSpec) -> None:
    """Raise `UserError` for settings without effect, and for candidates of different folds.

    >>> from graph_hcl.benchmarking.methods import Method
    >>> check_settings(BenchmarkSpec("tiny", ["MUTAG"], {"UCL": Method()}, [], common={"seed": 1}))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected no setting seed in common, which the benchmark decides: \
leave it out, or give it as 'seed' of the file.
    """
    _refuse_decided(spec.common, "common")
    for name, method in spec.methods.items():
        points = {**method.grid, **({} if method.tune is None else method.tune.space)}
        searched = dict.fromkeys(points)
        for given, where in ((method.settings, "settings"), (searched, "candidates")):
            _refuse_decided(given, f"the {where} of '{name}'")
        for setting in _names(searched):
            if setting in COMPARED_BY:
                raise UserError(
                    f"Expected candidates of '{name}' with validation scores that compare, but "
                    f"they differ in {setting}: make a method of each."
                )
            if setting == "epochs" and method.epochs:
                raise UserError(
                    f"Expected the epochs of '{name}' once, but got them among its candidates and "
                    "as its epochs: leave one out."
                )


def _refuse_decided(given: Mapping[str, object], where: str) -> None:
    for setting in _names(given):
        if setting in DECIDED:
            raise UserError(
                f"Expected no setting {setting} in {where}, which the benchmark decides: leave it "
                f"out, or {DECIDED[setting]}."
            )


def _names(given: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of settings that may be nested; unknown ones are refused elsewhere."""
    for key, value in given.items():
        yield SHORT.get(f"{prefix}{key}", f"{prefix}{key}")
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{key}.")


def check_trials(trials: Iterable[Trial], development: bool = False, device: bool = True) -> None:
    """Raise `UserError` for what would stop trials, as far as it shows without graphs.

    Args:
        trials: the trials that will be run.
        development: whether the table is of validation scores alone.
        device: whether the trials run here, so that their device has to be here.
    """
    seen: set[str] = set()
    for trial in trials:
        about = f"{trial.method}/{trial.protocol}/{trial.dataset}/{trial.point}"
        if about in seen:  # another repetition
            continue
        seen.add(about)
        try:
            complete_config(trial.config if device else replace(trial.config, device="cpu"))
            _check_selection(trial, development)
        except UserError as error:
            raise UserError(f"The method '{trial.method}': {error}") from error


def _check_selection(trial: Trial, development: bool) -> None:
    """Raise `UserError` for candidates that have no validation scores to choose by."""
    probe = trial.config.probe
    name = "majority" if trial.baseline == "majority" else probe.name
    if name is None or trial.measure is not None or trial.baseline not in (None, "bag", "majority"):
        return  # the usual probes and the kernels select; what else does shows in the records
    several = bool(trial.point) or len(trial.epochs) > 1
    if (several or development) and not selects(find_probe(name, dict(probe.options))):
        why = "a table of validation scores" if development else "several candidates"
        raise UserError(
            f"Expected a probe with validation scores for {why}, but {name} selects nothing: "
            f"choose another probe, such as svm{'' if development else ', or give one candidate'}."
        )
