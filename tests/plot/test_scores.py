"""Scores per fold and confusion matrices, read back from the axes."""

import numpy as np
import pytest

from graph_hcl import plot
from graph_hcl.probes import Evaluation, FoldScore
from graph_hcl.results import Comparison, Provenance


def encoder(*seeds) -> Evaluation:
    folds = [
        FoldScore(seed, fold, {"accuracy": accuracy}, {}, None, 9, 0, [fold], [0], [0])
        for seed, accuracies in enumerate(seeds)
        for fold, accuracy in enumerate(accuracies)
    ]
    return Evaluation("transductive", "svm", {}, folds)


def test_every_fold_its_mean_and_its_controls() -> None:
    trained, untrained = [[0.9, 0.8, 0.7], [1.0, 0.6, 0.8]], [[0.5, 0.5, 0.8], [0.7, 0.6, 0.5]]
    about = Provenance("SET", "ucl", "a", ["a"], 0.55, 1.0, 1.0)
    comparison = Comparison(encoder(*trained), encoder(*untrained), about)
    ax = plot.folds({"mine": comparison, "other": comparison})
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "mine",
        "untrained",
        "other",
        "untrained",
    ]
    points = [c.get_offsets() for c in ax.collections if len(c.get_offsets()) == 6]
    assert len(points) == 4
    for drawn, seeds in zip(points, [trained, untrained] * 2, strict=True):
        assert drawn[:, 0].tolist() == [value for seed in seeds for value in seed]
        assert len(set(drawn[:, 1].tolist())) == 6
    told = [text.get_text() for text in ax.texts]
    deviation = np.mean([np.std(seed) for seed in trained])
    assert told[0] == f"{100 * np.mean(trained):.1f} ± {100 * deviation:.1f}"
    levels = [line.get_xdata() for line in ax.lines if line.get_linestyle() == "--"]
    assert all(list(level) == [0.55, 0.55] for level in levels)
    assert len(levels) == 2


def test_a_run_without_scores_leaves_its_colour() -> None:
    scored = encoder([0.9, 0.8, 0.7])
    with_majority = Provenance("SET", "ucl", "a", ["a"], 0.55, 1.0, 1.0)
    runs = dict.fromkeys("abc", Comparison(scored, scored, with_majority))
    colours = []
    for given in (runs, runs | {"a": None}):
        ax = plot.folds(given)
        rows = [text.get_text() for text in ax.get_yticklabels()]
        points = [c.get_facecolor()[0].tolist() for c in ax.collections if c.get_offsets().size > 2]
        assert len(points) == len(rows)
        colours.append(dict(zip(rows, points, strict=True)))
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["majority class"]
    whole, some = colours
    assert set(some) == {"b", "c", "untrained"}
    assert all(whole[name] == some[name] for name in some)


@pytest.mark.parametrize("tasks", [1, 3, 16, 17])
def test_tasks_of_predictions_are_named(tasks) -> None:
    truth, found = np.random.default_rng(0).normal(size=(2, 9, tasks)).tolist()
    fold = FoldScore(0, 0, {"rmse": 1.0}, {}, None, 9, 0, list(range(9)), truth, found)
    ax = plot.predictions(Evaluation("transductive", "ridge", {}, [fold]))
    looks = {
        (c.get_facecolor().tobytes(), c.get_paths()[0].vertices.tobytes()) for c in ax.collections
    }
    assert len(ax.collections) == tasks
    assert len(looks) == min(tasks, 8)
    names = [f"melting point {n}" for n in range(tasks)]
    named = plot.predictions(Evaluation("transductive", "ridge", {}, [fold]), tasks=names)
    if 1 < tasks <= 16:
        assert [text.get_text() for text in named.get_legend().get_texts()] == names
    if tasks > 16:
        assert ax.get_legend() is None
    else:
        told = [text.get_text() for text in ax.get_legend().get_texts()]
        assert told == [f"task {k}" for k in range(tasks)]


@pytest.mark.parametrize("classes", [2, 6, 40])
def test_confusion_is_the_share_of_each_true_class(classes) -> None:
    generator = np.random.default_rng(0)
    truth = np.concatenate([np.arange(classes), generator.integers(classes, size=300)])
    found = generator.integers(classes, size=len(truth))
    folds = [
        FoldScore(number // 2, number, {}, {}, None, 9, 0, [], t.tolist(), f.tolist())
        for number, (t, f) in enumerate(
            zip(np.array_split(truth, 3), np.array_split(found, 3), strict=True)
        )
    ]
    ax = plot.confusion(Evaluation("transductive", "svm", {}, folds))
    drawn = ax.images[0].get_array()
    for i in range(classes):
        for j in range(classes):
            share = np.mean(found[truth == i] == j)
            assert drawn[i, j] == pytest.approx(100 * share)
    assert len(ax.texts) == (classes**2 if classes <= 12 else 0)
    assert len(ax.get_xticks()) <= 12
