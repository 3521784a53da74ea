"""Candidates are chosen by validation accuracy alone; tables say what the trials say."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_hcl.benchmarking.selection import choose, score
from graph_hcl.benchmarking.tables import (
    Table,
    difference_table,
    gather,
    published_table,
    score_table,
)
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.config import Config
from graph_hcl.probes import corrected_t_test


def record(seed: int, epochs=("5", "9"), folds: int = 4) -> dict:
    draw = np.random.default_rng(seed)
    return {
        "epochs": {
            epoch: {
                "accuracy": draw.random(folds).tolist(),
                "macro_f1": draw.random(folds).tolist(),
                "validation_accuracy": draw.choice([0.5, 0.6, 0.7], folds).tolist(),
                "train": [90] * folds,
                "test": [10] * folds,
            }
            for epoch in epochs
        }
    }


def trials(seed: int, points: int, repeats: int, method: str = "m", epochs=(5, 9)):
    return [
        (
            Trial("MUTAG", method, "transductive", Config(seed=s), epochs, {"beta": float(k)}),
            record(seed + 100 * s + k),
        )
        for s in range(repeats)
        for k in range(points)
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3))
def test_each_fold_takes_its_best_validated_candidate(seed: int, points: int, repeats: int) -> None:
    some = trials(seed, points, repeats)
    found = score(some)
    assert found is not None
    assert found.accuracy.shape == (repeats, 4)
    for s in range(repeats):
        for fold in range(4):
            best, value = None, -1.0
            for trial, one in some:
                if trial.config.seed != s:
                    continue
                for epoch in ("5", "9"):
                    if one["epochs"][epoch]["validation_accuracy"][fold] > value:
                        value = one["epochs"][epoch]["validation_accuracy"][fold]
                        best = one["epochs"][epoch]
            assert best is not None
            assert found.accuracy[s, fold] == best["accuracy"][fold]
            assert found.macro_f1[s, fold] == best["macro_f1"][fold]
    assert sum(found.choices.values()) == repeats * 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_test_scores_decide_nothing(seed: int) -> None:
    some = trials(seed, 3, 2)
    before = score(some)
    for _, one in some:
        for found in one["epochs"].values():
            found["accuracy"] = [1 - value for value in found["accuracy"]]
    after = score(some)
    assert before is not None
    assert after is not None
    assert before.choices == after.choices
    np.testing.assert_allclose(after.accuracy, 1 - before.accuracy)


def test_a_candidate_that_cannot_be_validated_is_refused_beside_others() -> None:
    blind = {"validation_accuracy": [None, None]}
    assert choose([("only", blind)])[0].tolist() == [0, 0]
    with pytest.raises(ValueError, match="validation accuracy"):
        choose([("a", blind), ("b", blind)])


def test_an_unfinished_repetition_is_left_out_and_told() -> None:
    some = trials(0, 2, 2)
    whole = score(some[:2])
    found = score([*some[:3], (some[3][0], None)])
    assert whole is not None
    assert found is not None
    np.testing.assert_array_equal(found.accuracy, whole.accuracy)
    assert whole.complete
    assert found.complete
    both = {("m", "MUTAG"): found, ("n", "MUTAG"): score(some)}
    assert [row[1][-3:] == " ×1" for row in score_table(both, "transductive").rows] == [True, False]
    partial = score([some[0], (some[1][0], None)])
    assert partial is not None
    assert not partial.complete
    assert "*" in score_table({("m", "MUTAG"): partial}, "transductive").rows[0][1]
    assert score([(trial, None) for trial, _ in some]) is None


def test_scores_and_differences_in_the_tables() -> None:
    some = trials(0, 1, 3, "a", (5,)) + trials(50, 1, 3, "b", (5,))
    grid = gather(some, "transductive")
    table = score_table(grid, "transductive")
    accuracy = 100 * grid["a", "MUTAG"].accuracy
    text = f"{accuracy.mean():.2f} ± {accuracy.mean(1).std():.2f} ({accuracy.std(1).mean():.1f})"
    assert table.head == ["method", "MUTAG"]
    assert table.rows[0] == ["a", text]
    assert "3 repetitions" in table.caption
    ((data, first, second, difference, interval, p),) = difference_table(grid, "t").rows
    expected = corrected_t_test(
        grid["a", "MUTAG"].accuracy.ravel(),
        grid["b", "MUTAG"].accuracy.ravel(),
        test_to_train=1 / 9,
    )
    assert (data, first, second) == ("MUTAG", "a", "b")
    assert difference == f"{100 * expected.difference:+.2f}"
    assert interval == " … ".join(f"{100 * end:+.2f}" for end in expected.interval)
    assert p == f"{expected.p_value:.3f}"
    (chosen,) = difference_table(grid, "t", [["b", "a"], ["b", "absent"]]).rows
    assert chosen[1:3] == ["b", "a"]
    assert float(chosen[3]) == -float(difference)


def test_published_figures_come_with_their_protocol() -> None:
    table = published_table(["MUTAG", "PROTEINS", "no card"])
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    infograph = next(trials for (name, _), trials in rows.items() if name == "InfoGraph")
    assert infograph[:2] == ["89.01 ± 1.10", "74.44 ± 0.30"]
    assert all(row[1] and row[4] == "" for row in table.rows)


def test_hostile_names_survive_every_format() -> None:
    table = Table("a & b", ["x", "y"], [['he said "1,5"', "50 % ± 1_000"]])
    assert list(csv.reader(io.StringIO(table.csv())))[1] == ['he said "1,5"', "50 % ± 1_000"]
    assert r"50 \% $\pm$ 1\_000 \\" in table.latex()
    assert r"\caption{a \& b}" in table.latex()
    assert table.markdown().splitlines()[2].count("|") == 3
