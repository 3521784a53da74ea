"""Scores per fold and confusion matrices, read back from the axes."""

import numpy as np
import pytest

from graph_hcl import plot


def encoder(*seeds):
    return {"seeds": [{"scores": [{"accuracy": v} for v in seed]} for seed in seeds]}


def test_every_fold_its_mean_and_its_controls() -> None:
    trained, untrained = [[0.9, 0.8, 0.7], [1.0, 0.6, 0.8]], [[0.5, 0.5, 0.8], [0.7, 0.6, 0.5]]
    record = {
        "trained": encoder(*trained),
        "untrained": encoder(*untrained),
        "majority_accuracy": 0.55,
    }
    ax = plot.folds({"mine": record, "other": record})
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


@pytest.mark.parametrize("classes", [2, 6, 40])
def test_confusion_is_the_share_of_each_true_class(classes) -> None:
    generator = np.random.default_rng(0)
    truth = np.concatenate([np.arange(classes), generator.integers(classes, size=300)])
    found = generator.integers(classes, size=len(truth))
    scores = [
        {"labels": t.tolist(), "predictions": f.tolist()}
        for t, f in zip(np.array_split(truth, 3), np.array_split(found, 3), strict=True)
    ]
    ax = plot.confusion({"seeds": [{"scores": scores[:2]}, {"scores": scores[2:]}]})
    drawn = ax.images[0].get_array()
    for i in range(classes):
        for j in range(classes):
            share = np.mean(found[truth == i] == j)
            assert drawn[i, j] == pytest.approx(100 * share)
    assert len(ax.texts) == (classes**2 if classes <= 12 else 0)
    assert len(ax.get_xticks()) <= 12
