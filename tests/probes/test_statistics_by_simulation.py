"""Tests and intervals on data whose truth is known: how often they reject, find and cover.

Embeddings are drawn from a population of two classes, so two feature sets can be equally good, or
one better by a known gain; the true accuracy is that of classifiers trained on many other samples.
Rates have binomial tolerances: at a true rate of that bound, a test fails once in a thousand.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from graph_hcl.benchmarking.selection import select
from graph_hcl.probes import (
    Evaluation,
    Fold,
    FoldScore,
    PairedDifference,
    Prediction,
    ProbeInput,
    ProbeResult,
    compare,
    corrected_interval,
    corrected_t_test,
    evaluate,
    holm,
    inductive,
    paired_difference,
    search,
    stratified_folds,
    without_selection,
)

ACCURACY = ["accuracy"]


def nearest_mean(given: ProbeInput) -> Prediction:
    """Predict the class of 0 and 1 whose mean is nearer."""
    ones = given.y_train == 1
    a, b = given.x_train[ones].mean(0), given.x_train[~ones].mean(0)
    return Prediction((given.x_test @ (a - b) > (a - b) @ (a + b) / 2).astype(np.int64))


@without_selection
def probe(given: ProbeInput) -> ProbeResult:
    return ProbeResult(nearest_mean(given.final()).labels)


def validated(given: ProbeInput) -> ProbeResult:
    """The same with its validation score."""
    return search(given, lambda part: lambda: nearest_mean(part), grid=[{}], default={})


def feature_sets(
    graphs: int, strengths: list[float], rng, *, dim: int, agreement: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return embeddings [G, dim] of each strength, and labels.

    The classes differ in the first coordinate; of the noise, the share `agreement` is common to all
    sets, as methods see the same graphs.
    """
    y = rng.permutation(np.arange(graphs) % 2)
    common = rng.normal(size=(graphs, dim))
    sets = []
    for strength in strengths:
        x = agreement**0.5 * common + (1 - agreement) ** 0.5 * rng.normal(size=(graphs, dim))
        x[:, 0] += strength * (2 * y - 1)
        sets.append(x)
    return sets, y


def true_accuracy(train: int, strength: float, *, dim: int, samples: int = 4000) -> float:
    """Return the expected accuracy of training on that many graphs, half of each class.

    Given the trained classifier it is Φ of its margin, so that no test graphs are needed.
    """
    rng, total = np.random.default_rng(12345), 0.0
    y = np.arange(train) % 2
    for _ in range(samples):
        x = rng.normal(size=(train, dim))
        x[:, 0] += strength * (2 * y - 1)
        a, b = x[y == 1].mean(0), x[y == 0].mean(0)
        w, middle = a - b, (a + b) / 2
        for sign in (1, -1):
            mean = np.zeros(dim)
            mean[0] = sign * strength
            total += stats.norm.cdf(sign * w @ (mean - middle) / np.linalg.norm(w))
    return total / samples / 2


def at_most(hits: list[bool], rate: float) -> bool:
    """Return whether the share of hits agrees with a true rate that is not above `rate`."""
    return sum(hits) <= stats.binom.ppf(0.999, len(hits), rate)


def at_least(hits: list[bool], rate: float) -> bool:
    return sum(hits) >= stats.binom.ppf(0.001, len(hits), rate)


def half_width(interval: tuple[float, float]) -> float:
    return (interval[1] - interval[0]) / 2


def rejects(found: PairedDifference) -> bool:
    return found.p_value < 0.05


# --- few labels -----------------------------------------------------------------------------------

FEW = {"fraction": 0.01, "repeats": 5, "probe": probe, "metrics": ACCURACY, "jobs": 1}
"""1 % of the labels: 5 seeds × 10 folds × 20 draws of 4 graphs of each class."""
WEAK, STRONGER = 0.5, 0.585


def few_labels(
    number: int, strength: float, *, dim: int = 2, agreement: float = 0.9
) -> Iterator[tuple[Evaluation, Evaluation]]:
    """Yield evaluations of 1000 graphs by sets of this strength and of the weak one."""
    for sample in range(number):
        rng = np.random.default_rng([1, sample])
        sets, y = feature_sets(1000, [strength, WEAK], rng, dim=dim, agreement=agreement)
        first, second = (evaluate(x, y, **FEW) for x in sets)
        yield first, second


def by_labelled_graphs(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation as one would take it for whose probes' few graphs are all there are."""
    folds = [dataclasses.replace(fold, pool=None) for fold in evaluation.folds]
    return dataclasses.replace(evaluation, folds=folds)


@pytest.mark.slow
def test_few_labels_reject_a_null_rarely_and_cover_the_truth() -> None:
    truth = true_accuracy(8, WEAK, dim=2)
    rejected, covered, widths = [], [], []
    for first, second in few_labels(150, WEAK):
        found = compare(first, second)
        rejected.append(rejects(found))
        widths.append(half_width(found.interval))
        covered.append(second.interval[0] < truth < second.interval[1])
    print("few labels: rejected, covered, half width", *map(np.mean, (rejected, covered, widths)))
    assert at_most(rejected, 0.05)
    assert at_least(covered, 0.95)
    assert 0.010 < np.mean(widths) < 0.018


@pytest.mark.slow
def test_few_labels_reject_a_null_more_often_where_the_labelled_graphs_decide() -> None:
    """Draws from one pool share luck that folds do not show: about .1 are rejected, not .05."""
    pairs = few_labels(60, WEAK, dim=8, agreement=0.5)
    rejected = [rejects(compare(first, second)) for first, second in pairs]
    print("few labels, hard: rejected", np.mean(rejected))
    assert at_most(rejected, 0.12)


@pytest.mark.slow
def test_few_labels_find_a_gain_that_the_number_of_labelled_graphs_hides() -> None:
    gain = true_accuracy(8, STRONGER, dim=2) - true_accuracy(8, WEAK, dim=2)
    assert 0.03 < gain < 0.04
    found_, hidden, covered, hidden_widths = [], [], [], []
    for first, second in few_labels(40, STRONGER):
        found = compare(first, second)
        found_.append(rejects(found))
        covered.append(found.interval[0] < gain < found.interval[1])
        # n_test/n_train with the few labelled graphs as n_train: 100/8.
        before = compare(by_labelled_graphs(first), by_labelled_graphs(second))
        hidden.append(rejects(before))
        hidden_widths.append(half_width(before.interval))
    print("few labels: gain, found, covered", gain, np.mean(found_), np.mean(covered))
    print("before: found, half width", np.mean(hidden), np.mean(hidden_widths))
    assert at_least(found_, 0.9)
    assert at_least(covered, 0.9)
    assert not any(hidden)
    assert np.mean(hidden_widths) > 0.1


def test_few_labels_need_the_whole_training_part_in_the_interval() -> None:
    ((first, second),) = few_labels(1, STRONGER)
    now = compare(first, second)
    before = compare(by_labelled_graphs(first), by_labelled_graphs(second))
    assert now.difference == before.difference
    assert half_width(before.interval) > 8 * half_width(now.interval)
    assert now.p_value < 0.05 < before.p_value


# --- repeated shuffled folds, and one run of them -------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [1, 5])
def test_shuffled_folds_reject_a_null_rarely_and_cover_the_truth(repeats: int) -> None:
    truth, rejected, covered, uncorrected = true_accuracy(180, 0.7, dim=8), [], [], []
    for sample in range(250):
        rng = np.random.default_rng([2, sample])
        sets, y = feature_sets(200, [0.7, 0.7], rng, dim=8, agreement=0.5)
        first, second = (
            evaluate(x, y, repeats=repeats, probe=probe, metrics=ACCURACY, jobs=1) for x in sets
        )
        rejected.append(rejects(compare(first, second)))
        covered.append(first.interval[0] < truth < first.interval[1])
        values = [list(one["accuracy"].values.values()) for one in (first, second)]
        uncorrected.append(rejects(corrected_t_test(*values, test_to_train=1e-9)))
    print("shuffled:", repeats, *map(np.mean, (rejected, covered, uncorrected)))
    assert at_most(rejected, 0.05)
    assert at_least(covered, 0.95)
    if repeats > 1:  # the paired t-test takes repetitions for new data
        assert at_least(uncorrected, 0.25)


@pytest.mark.slow
def test_shuffled_folds_find_a_gain() -> None:
    gain = true_accuracy(450, 0.85, dim=8) - true_accuracy(450, 0.7, dim=8)
    assert 0.035 < gain < 0.05
    found, covered = [], []
    for sample in range(60):
        rng = np.random.default_rng([3, sample])
        sets, y = feature_sets(500, [0.85, 0.7], rng, dim=8, agreement=0.9)
        first, second = (
            evaluate(x, y, repeats=5, probe=probe, metrics=ACCURACY, jobs=1) for x in sets
        )
        paired = compare(first, second)
        found.append(rejects(paired))
        covered.append(paired.interval[0] < gain < paired.interval[1])
    print("shuffled: gain, found, covered", gain, np.mean(found), np.mean(covered))
    assert at_least(found, 0.9)
    assert at_least(covered, 0.95)


# --- fixed folds with repetitions -----------------------------------------------------------------


def modelled(repeats: int, noise: float, rng, *, folds: int = 10) -> Evaluation:
    """Return scores of the model behind the correction: folds correlate by n_test/n = 1/10.

    Every repetition tests the same folds, with noise of its own.
    """
    shared, own = rng.normal(), rng.normal(size=folds)
    fold_scores = (0.1**0.5) * shared + (0.9**0.5) * own
    return Evaluation(
        "inductive",
        "svm",
        {},
        [
            FoldScore(
                s, k, {"accuracy": 0.7 + 0.05 * (fold_scores[k] + noise * rng.normal())}, {}, None,
                90, 0, list(range(10 * k, 10 * k + 10)), [], [],
            )
            for s in range(repeats)
            for k in range(folds)
        ],
    )  # fmt: skip


def as_new_data(first: Evaluation, second: Evaluation) -> PairedDifference:
    """Compare as if each repetition on the fixed folds were new data."""
    return paired_difference(
        *(dataclasses.replace(one["accuracy"], repeated={}) for one in (first, second))
    )


def test_repetitions_on_fixed_folds_are_no_new_data() -> None:
    averaged, counted, covered, covered_as_new = [], [], [], []
    for sample in range(400):
        rng = np.random.default_rng([4, sample])
        first, second = (modelled(5, 0.3, rng) for _ in range(2))
        averaged.append(rejects(compare(first, second)))
        counted.append(rejects(as_new_data(first, second)))
        covered.append(first.interval[0] < 0.7 < first.interval[1])
        scores = dataclasses.replace(first["accuracy"], repeated={})
        covered_as_new.append(scores.interval[0] < 0.7 < scores.interval[1])
    print("fixed:", *map(np.mean, (averaged, counted, covered, covered_as_new)))
    assert at_most(averaged, 0.05)
    assert at_least(averaged, 0.03)
    assert not at_most(counted, 0.06)
    assert at_least(covered, 0.95)
    assert not at_least(covered_as_new, 0.94)


@pytest.mark.slow
def test_encoders_repeated_on_fixed_folds_reject_a_null_rarely_and_cover_the_truth() -> None:
    truth, rejected, covered = true_accuracy(90, 0.5 / 1.25**0.5, dim=10), [], []
    for sample in range(200):
        rng = np.random.default_rng([5, sample])
        sets, y = feature_sets(100, [0.5, 0.5], rng, dim=10, agreement=0.5)
        folds = stratified_folds(y, folds=10)

        def trained(x: np.ndarray, seed: int, rng=rng, y=y, folds=folds) -> Evaluation:
            def embed(number: int, fold) -> np.ndarray:
                return x + 0.5 * rng.normal(size=x.shape)  # weights drawn for each fold and seed

            return inductive(
                embed, y, folds=folds, probe=probe, seed=seed, metrics=ACCURACY, jobs=1
            )

        first, second = (Evaluation.concat(trained(x, s) for s in range(4)) for x in sets)
        assert first.fixed_folds
        rejected.append(rejects(compare(first, second)))
        covered.append(first.interval[0] < truth < first.interval[1])
    print("fixed, encoders: rejected, covered", np.mean(rejected), np.mean(covered))
    assert at_most(rejected, 0.05)
    assert at_least(covered, 0.95)


# --- many tests -----------------------------------------------------------------------------------


def test_the_interval_and_the_test_are_exact_in_the_model_of_the_correction() -> None:
    rejected, covered = [], []
    for sample in range(800):
        rng = np.random.default_rng([6, sample])
        first, second = (modelled(1, 0.0, rng)["accuracy"] for _ in range(2))
        values = list(first.values.values())
        rejected.append(rejects(corrected_t_test(values, list(second.values.values()))))
        low, high = corrected_interval(values)
        covered.append(low < 0.7 < high)
    for hits, rate in ((rejected, 0.05), (covered, 0.95)):
        assert at_least(hits, rate)
        assert at_most(hits, rate)


@pytest.mark.parametrize("shared", [False, True])
def test_holm_keeps_the_family_wise_error(shared: bool) -> None:
    tests, corrected, uncorrected = 10, [], []
    for sample in range(400):
        rng = np.random.default_rng([7, sample])
        reference = modelled(1, 0.0, rng)
        p = []
        for _ in range(tests):
            other = reference if shared else modelled(1, 0.0, rng)  # all against one, or pairs
            p.append(compare(modelled(1, 0.0, rng), other).p_value)
        corrected.append(min(holm(p)) < 0.05)
        uncorrected.append(min(p) < 0.05)
    print("holm:", np.mean(corrected), np.mean(uncorrected))
    assert at_most(corrected, 0.05)
    assert at_least(uncorrected, 0.15)


# --- selection ------------------------------------------------------------------------------------


def chosen(candidates: dict[str, Evaluation]) -> Evaluation:
    """Return the evaluation that takes in each seed and fold the candidate best on validation."""
    folds = {
        name: {(fold.seed, fold.fold): fold for fold in one.folds}
        for name, one in candidates.items()
    }
    records = {name: {k: vars(fold) for k, fold in of.items()} for name, of in folds.items()}
    picks = [folds[name][key] for key, name in select(records).items()]
    return dataclasses.replace(next(iter(candidates.values())), folds=picks)


def weight_draws(x: np.ndarray, y: np.ndarray, number: int, rng) -> dict[str, Evaluation]:
    """Return evaluations of as many random projections, which stand for weights, of each seed."""
    evaluations = {}
    for candidate in range(number):
        parts = []
        for seed in range(3):
            folds = stratified_folds(y, folds=5, seed=seed, validation=0.25)
            weights = rng.normal(size=(x.shape[1], 3))
            parts.append(
                inductive(
                    lambda number, fold, w=weights: x @ w, y, folds=folds, probe=validated,
                    seed=seed, metrics=ACCURACY, jobs=1,
                )
            )  # fmt: skip
        evaluations[str(candidate)] = Evaluation.concat(parts)
    return evaluations


def budgets(number: int) -> Iterator[tuple[Evaluation, Evaluation, Evaluation]]:
    """Yield the best of five weight draws, that of five others, and one of these alone."""
    for sample in range(number):
        rng = np.random.default_rng([8, sample])
        (x,), y = feature_sets(150, [1.2], rng, dim=6, agreement=0.0)
        first, others = weight_draws(x, y, 5, rng), weight_draws(x, y, 5, rng)
        yield chosen(first), chosen(others), chosen({"0": others["0"]})


@pytest.mark.slow
def test_more_candidates_gain_points_and_equally_many_do_not() -> None:
    unequal, equal, rejected = [], [], []
    for best, other, single in budgets(100):
        paired = compare(best, other)
        equal.append(paired.difference)
        unequal.append(compare(best, single).difference)
        rejected.append(rejects(paired))
    print("budgets: unequal, equal, rejected", *map(np.mean, (unequal, equal, rejected)))
    assert stats.ttest_1samp(unequal, 0, alternative="greater").pvalue < 1e-6
    assert np.mean(unequal) > 0.02
    assert stats.ttest_1samp(equal, 0).pvalue > 0.001
    assert at_most(rejected, 0.05)


def of_noise(folds: list[Fold], y: np.ndarray, rng) -> Evaluation:
    """Return the evaluation of embeddings that know nothing of the labels."""
    x = rng.normal(size=(len(y), 3))
    return inductive(
        lambda number, fold: x, y, folds=folds, probe=validated, metrics=ACCURACY, jobs=1
    )


def noise_settings(rng, number: int = 12) -> dict[str, Evaluation]:
    """Return evaluations of as many settings on one data set of noise."""
    y = rng.permutation(np.arange(60) % 2)
    folds = stratified_folds(y, folds=5, validation=0.25)
    return {str(setting): of_noise(folds, y, rng) for setting in range(number)}


def best_on_pooled_validation(settings: dict[str, Evaluation]) -> str:
    means = {
        name: np.mean([fold.validation_score for fold in one.folds])
        for name, one in settings.items()
    }
    return max(means, key=lambda name: means[name])


def selection_gains(number: int) -> dict[str, list[float]]:
    """Return accuracies above chance on pure noise, by where the setting was chosen."""
    gains: dict[str, list[float]] = {"pooled": [], "inside": [], "development": []}
    for sample in range(number):
        rng = np.random.default_rng([9, sample])
        settings, development = noise_settings(rng), noise_settings(rng)
        gains["pooled"].append(settings[best_on_pooled_validation(settings)].mean - 0.5)
        gains["inside"].append(chosen(settings).mean - 0.5)
        gains["development"].append(settings[best_on_pooled_validation(development)].mean - 0.5)
    return gains


def test_settings_chosen_on_pooled_validation_parts_leak() -> None:
    gains = selection_gains(25)
    print({name: np.mean(values) for name, values in gains.items()})
    assert stats.ttest_1samp(gains["pooled"], 0, alternative="greater").pvalue < 1e-3
    for fair in ("inside", "development"):
        assert stats.ttest_1samp(gains[fair], 0).pvalue > 1e-3
