"""What is refused before the first trial, so that no end of a long benchmark tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from graph_hcl.benchmarking import identity
from graph_hcl.benchmarking.methods import Method
from graph_hcl.benchmarking.selection import without_validation
from graph_hcl.benchmarking.spec import BenchmarkSpec
from graph_hcl.benchmarking.trials import BASELINE_SETTINGS, Trial
from graph_hcl.config import Config
from graph_hcl.data import find_card, list_datasets
from graph_hcl.data.names import is_function, is_ogb, is_place
from graph_hcl.errors import UserError
from graph_hcl.factory import complete_config
from graph_hcl.probes import find_probe
from graph_hcl.probes.probe import selects
from graph_hcl.registry import did_you_mean
from graph_hcl.schema import SHORT, setting_groups, setting_types
from graph_hcl.warn import warn_user

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
    """Raise `UserError` for settings without effect or given twice, and candidates of other folds.

    Warns of data sets under `selected_on` that are not known.

    A method's own settings override those of its config, and these the common ones; its candidates
    and epochs add to them.

    >>> from graph_hcl.benchmarking.methods import Method
    >>> check_settings(BenchmarkSpec("tiny", ["MUTAG"], {"UCL": Method()}, [], common={"seed": 1}))
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected no setting seed in common, which the benchmark decides: \
leave it out, or give it as 'seed' of the file.
    """
    _refuse_decided(_names(spec.common), "common")
    unread = set(setting_types()) - set(identity.settings(Config()))
    for name, method in spec.methods.items():
        settings, searched = list(_names(method.settings)), list(_searched(method))
        _refuse_decided(settings, f"the settings of '{name}'")
        _refuse_decided(searched, f"the candidates of '{name}'")
        if method.baseline is not None:
            _refuse_unread(name, method, {"its settings": settings, "its candidates": searched})
        for setting in searched:
            if setting in unread:
                raise UserError(
                    f"Expected candidates of '{name}' that differ in their results, but {setting} "
                    "does not affect them: put it into the settings."
                )
            if setting in COMPARED_BY:
                raise UserError(
                    f"Expected candidates of '{name}' with validation scores that compare, but "
                    f"they differ in {setting}: make a method of each."
                )
        places = {
            "its settings": settings,
            "its candidates": searched,
            "its epochs": ["epochs"] if method.epochs else [],
        }
        _refuse_twice(name, places)
        _warn_of_unknown(name, [one for one in method.selected_on if one not in spec.datasets])


def _searched(method: Method) -> Iterator[str]:
    """Yield the dotted names of settings in which candidates differ, also those of a group."""
    for key, values in {**method.grid, **(method.tune.space if method.tune else {})}.items():
        groups = [one for one in values if isinstance(one, Mapping)]
        nested = [name for group in groups for name in _names(group, f"{key}.")]
        yield from dict.fromkeys(nested or _names({key: None}))


def _refuse_twice(method: str, places: Mapping[str, list[str]]) -> None:
    """Raise `UserError` for a setting in two places of a method, of which one would be ignored."""
    first: dict[str, str] = {}
    for where, settings in places.items():
        for setting in settings:
            if first.setdefault(setting, where) != where:
                raise UserError(
                    f"Expected {setting} of '{method}' once, but got it among {first[setting]} and "
                    f"{where}: leave one out."
                )


def _refuse_unread(name: str, method: Method, places: Mapping[str, list[str]]) -> None:
    """Raise `UserError` for what a method says of training beside a baseline, which trains none."""
    own = [name for name in BASELINE_SETTINGS if name in setting_groups()]
    unread = {
        where: setting
        for where, settings in places.items()
        for setting in settings
        if setting.partition(".")[0] not in own
    } | ({"its epochs": "epochs"} if method.epochs else {})
    for where, setting in unread.items():
        raise UserError(
            f"Expected settings of {' and '.join(own)} alone for the baseline {method.baseline} of "
            f"'{name}', which trains nothing, but got {setting} among {where}: leave it out."
        )


def _warn_of_unknown(method: str, selected_on: Iterable[str]) -> None:
    """Warn of data sets that settings were chosen on and that nothing knows, such as misspelt ones.

    Scores on the one that was meant would be tested as if the settings had not seen it.
    """
    for name in selected_on:
        if find_card(name) is None and not (is_ogb(name) or is_place(name) or is_function(name)):
            warn_user(
                f"selected_on of the method '{method}' names {name}, which is no known data set "
                f"and none of the file, and so marks no score.{did_you_mean(name, list_datasets())}"
            )


def _refuse_decided(settings: Iterable[str], where: str) -> None:
    for setting in settings:
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
    if not trial.needs_validation or name is None:
        return  # what the usual probe of the graphs and a kernel do shows in the first record
    if trial.baseline in (None, "bag", "majority") and not selects(
        find_probe(name, dict(probe.options))
    ):
        raise without_validation(name, development)
