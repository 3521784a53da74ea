"""Paired differences of settings of the temperature benchmark, whatever part has results."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from scipy import stats

from benchmarks.science.temperature.grid import Point
from graph_hcl.probes import PairedDifference, corrected_t_test

PROBES = {"knn": "kNN", "class-mean": "class mean", "svm": "SVM"}
BySeed = dict[int, dict]
"""Trials of one setting by seed."""
Pair = tuple[BySeed, BySeed]


@dataclass(frozen=True, eq=False)
class Comparison:
    """A paired difference of two settings, or of the means of several, with what it is of.

    `pairs` settings on each side are averaged for every seed and fold; `seeds` are their number.
    """

    dataset: str
    probe: str
    paired: PairedDifference
    pairs: int
    seeds: int


class Runs:
    """Results by setting and seed.

    >>> trial = {"family": "ucl", "dataset": "digits", "factor": "", "form": "plain",
    ...     "temperature": 0.5, "beta": 0.0, "value": None, "seed": 0}
    >>> runs = Runs([trial])
    >>> runs.of("ucl", "digits", "", "plain", 0.5) == {0: trial}, runs.of("ucl", "digits", "head")
    (True, {})
    """

    def __init__(self, trials: Iterable[dict]) -> None:
        self.trials = list(trials)
        self._found: dict[tuple, BySeed] = {}
        self._names = {trial["name"]: trial for trial in self.trials if "name" in trial}
        for trial in self.trials:
            self._found.setdefault(_setting(trial), {})[trial["seed"]] = trial

    def of(
        self,
        family: str,
        dataset: str,
        factor: str = "",
        form: str = "plain",
        temperature: float = 0.5,
        beta: float = 0.0,
        value: float | None = None,
    ) -> BySeed:
        """Return the trials of a setting by seed."""
        return self._found.get((family, dataset, factor, form, temperature, beta, value), {})

    def settings(
        self, family: str, dataset: str, factor: str = "", *forms: str
    ) -> dict[tuple[str, float, float, float | None], BySeed]:
        """Return trials of some forms by form, T, β and value: T falling, β rising."""
        found = {
            key[3:]: trials
            for key, trials in self._found.items()
            if key[:3] == (family, dataset, factor) and key[3] in forms
        }
        order = sorted(found, key=lambda key: (key[0], -key[1], key[2], key[3] or 0.0))
        return {key: found[key] for key in order}

    def datasets(self, family: str, factor: str = "") -> list[str]:
        """Return the sets with such trials, most classes first."""
        classes = {
            trial["dataset"]: trial["classes"]
            for trial in self.trials
            if (trial["family"], trial["factor"]) == (family, factor)
        }
        return sorted(classes, key=lambda name: (-classes[name], name))

    def with_control(self, trials: BySeed) -> Pair:
        """Return hard trials, and beside them those controls that have results."""
        controls = {seed: self._names.get(one["control"]) for seed, one in trials.items()}
        return trials, {seed: one for seed, one in controls.items() if one is not None}

    def hard_pairs(
        self, family: str, dataset: str, factor: str = "", form: str = "exponential",
        betas: Sequence[float] | None = None,
    ) -> list[Pair]:  # fmt: skip
        """Return the pairs of hard trials and controls, of all β or some."""
        return [
            self.with_control(trials)
            for (_, _, beta, _), trials in self.settings(family, dataset, factor, form).items()
            if betas is None or beta in betas
        ]

    def same_push(self, dataset: str, first: str, second: str) -> list[Pair]:
        """Return pairs of two hardened forms that have T and the equivalent temperature in common.

        A form that has it by 1 + 2β has half the β of one that has it by 1 + β.
        """
        found = self.settings("ucl", dataset, "", first, second)
        half = {"exponential": 2.0}
        pushes = {(key[0], key[1], key[2] * half.get(key[0], 1.0)): found[key] for key in found}
        return [
            (trials, pushes[second, temperature, push])
            for (form, temperature, push), trials in pushes.items()
            if form == first and (second, temperature, push) in pushes
        ]


def _setting(trial: dict) -> tuple:
    names = ("family", "dataset", "factor", "form", "temperature", "beta", "value")
    return tuple(trial[name] for name in names)


def compared(pairs: Sequence[Pair], probe: str) -> Comparison | None:
    """Compare the mean of the first settings with that of the second ones, by seed and fold.

    Only seeds that have the same pairs are averaged: all of the seed that has most of them. None
    for fewer than two scores. The ratio of test to training graphs is that of the folds; the least
    step of a mean over pairs is one graph of one of them.
    """
    have: dict[int, set[int]] = {}
    for number, (first, second) in enumerate(pairs):
        for seed in first.keys() & second.keys():
            have.setdefault(seed, set()).add(number)
    if not have:
        return None
    wanted = max(sorted(have.items()), key=lambda item: len(item[1]))[1]
    seeds = sorted(seed for seed, numbers in have.items() if numbers >= wanted)
    means: tuple[list[float], list[float]] = ([], [])
    for seed in seeds:
        for side, scores in enumerate(means):
            columns = [pairs[number][side][seed]["scores"][probe] for number in sorted(wanted)]
            scores += [statistics.fmean(fold) for fold in zip(*columns, strict=True)]
    if len(means[0]) < 2:
        return None
    some = pairs[min(wanted)][0][seeds[0]]
    step = 1 / (test_graphs(some) * len(wanted))
    paired = corrected_t_test(*means, test_to_train=test_to_train(some), step=step)
    return Comparison(some["dataset"], probe, paired, len(wanted), len(seeds))


def test_to_train(trial: dict) -> float:
    """Return the number of test graphs for each training graph of the probes.

    >>> test_to_train({"graphs": [600]}), test_to_train({"graphs": [480, 120]})
    (0.1111111111111111, 0.25)
    """
    if len(trial["graphs"]) == 1:
        return 1 / 9  # ten folds, though the SVM may be measured on some of them only
    train, test = trial["graphs"]
    return float(test / train)


def test_graphs(trial: dict) -> float:
    """Return the number of graphs in a test part of the probes.

    >>> test_graphs({"graphs": [600]}), test_graphs({"graphs": [480, 120]})
    (60.0, 120.0)
    """
    graphs = trial["graphs"]
    return float(graphs[0] / 10 if len(graphs) == 1 else graphs[1])


def over_sets(comparisons: Sequence[Comparison], probe: str) -> Comparison | None:
    """Return the mean of a probe's differences over sets; None for fewer than two sets.

    Sets are independent, so squares of errors add, and degrees of freedom are Satterthwaite's,
    (Σe²)² / Σ(e⁴/ν). Sets with fewer pairs than others are not finished and are left out. Of
    COIL-DEL and its subsets, which share graphs, the first alone counts, as sets are given with
    most classes first.
    """
    found = [one for one in comparisons if one.probe == probe]
    found = [one for one in found if one.pairs == max(other.pairs for other in found)]
    largest = next((one for one in found if one.dataset.startswith("COIL-DEL")), None)
    found = [one for one in found if one is largest or not one.dataset.startswith("COIL-DEL")]
    return _mean_of(tuple(found), probe) if len(found) > 1 else None


@cache
def _mean_of(found: tuple[Comparison, ...], probe: str) -> Comparison:
    """Return the mean of comparisons, the same object for the same ones: it is tested once."""
    squares = [one.paired.error**2 for one in found]
    degrees = sum(squares) ** 2 / sum(
        square**2 / one.paired.degrees for one, square in zip(found, squares, strict=True)
    )
    mean, error = statistics.fmean(one.paired.difference for one in found), sum(squares) ** 0.5
    error, degrees = error / len(found), int(degrees)
    half = float(stats.t.ppf(0.975, degrees)) * error
    p_value = float(2 * stats.t.sf(abs(mean) / error, degrees))
    paired = PairedDifference(
        mean, (mean - half, mean + half), mean / error, p_value, error=error, degrees=degrees
    )
    seeds = min(one.seeds for one in found)
    return Comparison(f"mean of {len(found)} sets", probe, paired, len(found), seeds)


def each_probe(pairs: Sequence[Pair]) -> Iterator[Comparison]:
    """Yield the comparisons by all probes that can be made."""
    for probe in PROBES:
        if (found := compared(pairs, probe)) is not None:
            yield found


def chosen(candidates: Sequence[BySeed], probe: str) -> BySeed:
    """Return, for each seed, the trial of the candidate that is best on all other seeds.

    Empty with fewer than two seeds that all candidates have.
    """
    common = set.intersection(*(set(one) for one in candidates)) if candidates else set()
    if len(common) < 2:
        return {}
    found = {}
    for seed in sorted(common):
        best = max(
            candidates,
            key=lambda one: statistics.fmean(
                accuracy(one[other], probe) for other in sorted(common - {seed})
            ),
        )
        found[seed] = best[seed]
    return found


def chosen_pair(first: Sequence[BySeed], second: Sequence[BySeed], probe: str) -> Pair:
    """Return what is `chosen` of two sides, each on the other seeds that both sides have."""
    common = set.intersection(*map(set, [*first, *second])) if first and second else set()
    one, other = (
        chosen([{seed: trials[seed] for seed in common} for trials in side], probe)
        for side in (first, second)
    )
    return one, other


def accuracy(trial: dict, probe: str) -> float:
    """Return the mean accuracy over folds.

    >>> accuracy({"scores": {"knn": [0.5, 0.75]}}, "knn")
    0.625
    """
    return statistics.fmean(trial["scores"][probe])


def mean_accuracy(trials: BySeed, probe: str) -> float:
    """Return the mean accuracy over folds and seeds, in percent."""
    return 100 * statistics.fmean(accuracy(one, probe) for one in trials.values())


def equivalent(trial: dict) -> float:
    """Return the temperature at which the plain loss weights negatives as a trial does.

    It is its own for the plain loss; a form that has none is refused.

    >>> equivalent({"dataset": "digits", "family": "ucl", "form": "exponential",
    ...     "temperature": 0.5, "beta": 2.0})
    0.1
    """
    if trial["form"] == "plain":
        return float(trial["temperature"])
    names = ("dataset", "family", "form", "temperature", "beta")
    control = Point(**{name: trial[name] for name in names}).control()
    assert control is not None
    return control.temperature
