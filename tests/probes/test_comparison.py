"""Comparisons and intervals: what is paired with what, and what counts as new data."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from graph_hcl.errors import UserError
from graph_hcl.probes import (
    Evaluation,
    FoldScore,
    MetricScores,
    PairedDifference,
    compare,
    corrected_interval,
    corrected_t_test,
    evaluate,
    holm,
    inductive,
    paired_difference,
    stratified_folds,
)
from graph_hcl.probes.statistics import p_text
from graph_hcl.reporting.tables import difference


def evaluation(scores, metric="accuracy", fixed=True, pool=None) -> Evaluation:
    """Return an evaluation of scores by (seed, fold), with 9 training graphs for each test graph.

    `fixed` gives each fold its test graph whatever the seed, else each seed has its own.
    """
    folds = [
        FoldScore(
            s, k, {metric: a}, {}, None, 9, 0, [k if fixed else 1000 * s + k], [], [], pool=pool
        )
        for (s, k), a in scores.items()
    ]
    return Evaluation("transductive", "svm", {}, folds)


def shuffled(one: Evaluation, seed: int) -> Evaluation:
    order = np.random.default_rng(seed).permutation(len(one.folds))
    return dataclasses.replace(one, folds=[one.folds[k] for k in order])


def random_scores(seeds: int, folds: int, rng) -> dict[tuple[int, int], float]:
    return {(s, k): float(rng.uniform(0.5, 1)) for s in range(seeds) for k in range(folds)}


def by_hand(first: dict, second: dict, ratio: float) -> tuple[float, float]:
    """Return t and p of scores by (seed, fold), as the formula has them."""
    d = [first[key] - second[key] for key in sorted(first)]
    mean = sum(d) / len(d)
    variance = sum((one - mean) ** 2 for one in d) / (len(d) - 1)
    t = mean / ((1 / len(d) + ratio) * variance) ** 0.5
    return t, 2 * stats.t.sf(abs(t), len(d) - 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.integers(2, 12), st.booleans(), st.integers(0, 10**6))
def test_scores_are_paired_by_seed_and_fold(seeds: int, folds: int, fixed: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (random_scores(seeds, folds, rng) for _ in range(2))
    found = compare(evaluation(a, fixed=fixed), evaluation(b, fixed=fixed))
    if fixed:  # repetitions are averaged within each fold
        a, b = (
            {k: float(np.mean([one[s, k] for s in range(seeds)])) for k in range(folds)}
            for one in (a, b)
        )
    assume(np.ptp([a[key] - b[key] for key in a]) > 0.01)  # or else they count as the same
    t, p = by_hand(a, b, 1 / 9)
    assert (found.t, found.p_value) == pytest.approx((t, p))
    assert found.difference == pytest.approx(np.mean(list(a.values())) - np.mean(list(b.values())))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_the_order_of_folds_does_not_matter(seed: int, fixed: bool) -> None:
    rng = np.random.default_rng(seed)
    first, second = (evaluation(random_scores(3, 5, rng), fixed=fixed) for _ in range(2))
    found = compare(first, second)
    other = compare(shuffled(first, seed), shuffled(second, seed + 1))
    assert dataclasses.astuple(other)[2:4] == pytest.approx(dataclasses.astuple(found)[2:4])
    assert other.interval == pytest.approx(found.interval)
    assert shuffled(first, seed).interval == pytest.approx(first.interval)
    backwards = compare(second, first)
    assert (backwards.t, backwards.p_value) == pytest.approx((-found.t, found.p_value))
    # By position the scores of other folds would meet.
    values = [list(one["accuracy"].values.values()) for one in (first, shuffled(second, seed + 1))]
    if [fold.fold for fold in shuffled(second, seed + 1).folds] != [f.fold for f in first.folds]:
        assert corrected_t_test(*values).t != pytest.approx(found.t)


def test_the_same_numbers_printed_three_times_say_the_same() -> None:
    rng = np.random.default_rng(0)
    a, b = random_scores(1, 10, rng), random_scores(1, 10, rng)
    once = compare(evaluation(a), evaluation(b))
    three = [{(s, k): v for s in range(3) for (_, k), v in one.items()} for one in (a, b)]
    thrice = compare(*map(evaluation, three))
    assert thrice.p_value == pytest.approx(once.p_value, rel=1e-9)
    assert thrice.interval == pytest.approx(once.interval)
    assert evaluation(three[0]).interval == pytest.approx(evaluation(a).interval)
    as_new_data = compare(*(evaluation(one, fixed=False) for one in three))
    assert as_new_data.p_value < once.p_value


def test_folds_are_fixed_where_all_test_the_same_graphs_in_any_order() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    y = np.arange(40) % 2
    folds = stratified_folds(y, folds=4, validation=0.2)
    turned = [dataclasses.replace(fold, test=fold.test[::-1]) for fold in folds]
    fixed = Evaluation.concat(
        inductive(lambda k, fold: x, y, folds=each, probe="class-mean", seed=seed, jobs=1)
        for seed, each in enumerate((folds, turned))
    )
    assert fixed.fixed_folds
    assert list(fixed["accuracy"].resamplings()) == [(0, 0), (0, 1), (0, 2), (0, 3)]
    drawn = evaluate(x, y, folds=4, probe="class-mean", repeats=2, jobs=1)
    assert not drawn.fixed_folds
    assert len(drawn["accuracy"].resamplings()) == 8
    assert not evaluate(x, y, folds=4, probe="class-mean", jobs=1).fixed_folds


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({(0, 0): 0.5, (0, 1): 0.6}, {(0, 0): 0.5}),
        ({(0, 0): 0.5, (0, 1): 0.6}, {(0, 0): 0.5, (0, 1): 0.6, (0, 2): 0.7}),
        ({(0, 0): 0.5, (0, 1): 0.6}, {(1, 0): 0.5, (1, 1): 0.6}),
    ],
)
def test_other_folds_are_refused(first, second) -> None:
    for a, b in ((first, second), (second, first)):
        with pytest.raises(UserError, match="same folds") as told:
            compare(evaluation(a), evaluation(b))
        assert "\n" not in str(told.value)
        with pytest.raises(UserError, match="same seeds and folds"):
            paired_difference(MetricScores(a), MetricScores(b))


def test_other_test_graphs_are_refused() -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    one = evaluate(x, y, folds=4, probe="class-mean", jobs=1)
    other = evaluate(x, np.roll(y.repeat(2)[:40], 1), folds=4, probe="class-mean", jobs=1)
    with pytest.raises(UserError, match="seed 0, fold 0 tests other graphs"):
        compare(one, other)
    with pytest.raises(UserError, match="fold"):
        compare(one, evaluate(x, y, folds=5, probe="class-mean", jobs=1))


def test_what_cannot_be_tested_is_refused() -> None:
    single = evaluation({(0, 0): 0.5})
    for call in (lambda: compare(single, single), lambda: single.interval):
        with pytest.raises(UserError, match="two or more folds"):
            call()
    repeated = evaluation({(s, 0): 0.5 + s / 10 for s in range(3)})  # of one fixed fold
    with pytest.raises(UserError, match="two or more folds"):
        compare(repeated, repeated)
    missing = evaluation({(0, 0): 0.5, (0, 1): float("nan")})
    for call in (lambda: compare(missing, missing), lambda: missing.interval):
        with pytest.raises(UserError, match="NaN"):
            call()
    # A report has cells for them.
    for one in (single, repeated, missing):
        assert difference(one, one) == ("not testable", None)


def test_equal_and_constant_differences() -> None:
    """A difference that all folds have is as sure as one graph more or less lets it be."""
    same = {(0, k): 0.5 + k / 10 for k in range(4)}
    found = compare(evaluation(same), evaluation(same))
    assert (found.difference, found.t, found.p_value) == (0.0, 0.0, 1.0)
    more = {key: value + 0.25 for key, value in same.items()}
    always = compare(evaluation(more), evaluation(same))
    size = len(evaluation(same).folds[0].test)
    once = corrected_t_test([0.25 + 1 / size, 0.25, 0.25, 0.25], [0.0] * 4)
    assert always.error == pytest.approx(once.error)
    assert always.difference == pytest.approx(0.25)
    assert 0 < always.p_value < 1


def test_rounding_is_no_difference() -> None:
    scores = [0.1 + 0.2, 0.3, 0.7]
    rounded = [0.3, 0.1 + 0.2, 0.7 - 1e-16]
    found = corrected_t_test(scores, rounded)
    assert (found.t, found.p_value) == (0.0, 1.0)
    assert corrected_t_test([0.1 + 0.2] * 2, [0.3] * 2, step=1e-12).t == 0.0
    assert corrected_t_test([0.3 + 1e-9] * 2, [0.3] * 2, step=1e-12).p_value < 0.001


def test_few_labels_take_the_size_of_the_whole_training_part() -> None:
    scores = {(0, k): 0.5 + k / 20 for k in range(5)}
    few, whole = evaluation(scores, pool=900), evaluation(scores)
    assert few["accuracy"].test_to_train == 1 / 900
    values = list(scores.values())
    assert few.interval == corrected_interval(values, test_to_train=1 / 900)
    assert whole.interval == corrected_interval(values, test_to_train=1 / 9)


def test_metrics_are_named_where_the_first_ones_differ() -> None:
    folds = [
        FoldScore(0, k, {"accuracy": 0.5 + k / 10, "macro_f1": 0.4}, {}, None, 9, 0, [k], [], [])
        for k in range(3)
    ]
    one = Evaluation("transductive", "svm", {}, folds)
    turned = [
        dataclasses.replace(fold, scores=dict(reversed(fold.scores.items()))) for fold in folds
    ]
    other = dataclasses.replace(one, folds=turned)
    with pytest.raises(UserError, match="different first ones, accuracy and macro_f1"):
        compare(one, other)
    assert compare(one, other, "accuracy").p_value == 1.0
    with pytest.raises(UserError, match="Did you mean accuracy"):
        compare(one, other, "acuracy")
    with pytest.raises(UserError, match="same metrics"):
        Evaluation.concat([one, dataclasses.replace(other, folds=turned)])


def test_errors_read_as_errors() -> None:
    errors = [{(0, k): 12 + k / 10 + shift * (1 + k / 5) for k in range(4)} for shift in (0, 1)]
    found = compare(*(evaluation(one, "rmse") for one in errors))
    assert (found.percent, found.lower_is_better) == (False, True)
    assert str(found).startswith("-1.3 (lower is better; 95 % interval -1.")
    assert "percentage" not in str(found)
    shares = compare(*(evaluation(one, "accuracy") for one in errors))
    assert str(shares).startswith("-130.00 percentage points (95 % interval")
    own = compare(*(evaluation(one, "kappa") for one in errors))  # its unit is not known
    assert (own.percent, own.lower_is_better) == (False, False)


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "< .001"),
        (0.000499, "< .001"),
        (0.0005, ".001"),
        (0.04996, ".050"),
        (0.99949, ".999"),
        (0.9996, "1"),
        (1.0, "1"),
    ],
)
def test_p_values_as_text(p: float, text: str) -> None:
    assert p_text(p) == text
    sign = "" if text.startswith("<") else "= "
    assert str(PairedDifference(0.0, (0.0, 0.0), 0.0, p)).endswith(f"p {sign}{text})")


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_by_its_definition(p: list[float]) -> None:
    found = holm(p)
    for alpha in (0.01, 0.05, 0.3):
        rejected, ranked = set(), sorted(range(len(p)), key=lambda k: p[k])
        for step, k in enumerate(ranked):  # stops at the first that is not below α / (m − step)
            if p[k] * (len(p) - step) > alpha:
                break
            rejected.add(k)
        assert {k for k, value in enumerate(found) if value <= alpha} == rejected
    assert all(a <= b <= 1 for a, b in zip(p, found, strict=True))


@pytest.mark.parametrize(
    "p", [0.05, [[0.1, 0.2]], [0.1, 1.2], [-0.1], [float("nan")], ["a"], None, "0.05"]
)
def test_what_is_no_p_value_is_not_corrected(p) -> None:
    with pytest.raises(UserError, match=r"^Expected p-values \[m\] from 0 to 1, but got .*\.$"):
        holm(p)


def test_the_order_of_two_training_sizes_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    y = np.array([0, 1] * 30)
    x = rng.normal(size=(60, 3)) + y[:, None] * 0.4
    whole = evaluate(x, y, folds=5, probe="class-mean", jobs=1)
    folds = stratified_folds(y, folds=5, validation=0.6)
    less = inductive(lambda number, fold: x[:, :2], y, folds=folds, probe="class-mean", jobs=1)
    found, turned = compare(whole, less), compare(less, whole)
    assert found.p_value == turned.p_value
    assert found.interval == (-turned.interval[1], -turned.interval[0])
    assert less["accuracy"].test_to_train > whole["accuracy"].test_to_train
    scores = [list(one["accuracy"].values.values()) for one in (whole, less)]
    ratio = less["accuracy"].test_to_train  # of the smaller training parts
    assert found.p_value == corrected_t_test(*scores, test_to_train=ratio).p_value


def test_labels_are_the_same_up_to_their_precision() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    y[::5, 1] = np.nan
    one, single, other = (
        evaluate(x, each, folds=4, metrics=["mae"], jobs=1)
        for each in (y, y.astype(np.float32), y * [1, 2])
    )
    assert compare(one, single).p_value > 0.05
    with pytest.raises(UserError, match=r"same labels, but graph .* in one and .* in the other"):
        compare(one, other)
