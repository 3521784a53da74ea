"""Validation scores alone select candidates; tables show the scores of the trials."""

import csv
import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_hcl.benchmarking.differences import PairedTest, difference_table, paired_tests
from graph_hcl.benchmarking.selection import score, select
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.tables import all_tables, published_table, score_grids, score_table
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.config import Config, ProbeConfig
from graph_hcl.probes import corrected_t_test, holm
from graph_hcl.probes import metrics as known_metrics
from graph_hcl.probes.statistics import p_text


def record(seed: int, repetition: int = 0, epochs=(5, 9), folds: int = 4) -> dict:
    draw = np.random.default_rng(seed)
    return {
        "records": [
            {
                "epoch": epoch,
                "seed": repetition,
                "fold": fold,
                "scores": {"accuracy": draw.random(), "macro_f1": draw.random()},
                "validation_score": draw.choice([0.5, 0.6, 0.7]),
                "train": 90,
                "test": 10,
            }
            for epoch in epochs
            for fold in range(folds)
        ]
    }


def trials(seed: int, points: int, repeats: int, method: str = "m", epochs=(5, 9)):
    return [
        (
            Trial(
                "MUTAG",
                method,
                "transductive",
                Config(dataset="MUTAG", seed=s),
                epochs,
                {"beta": float(k)},
            ),
            record(seed + 100 * s + k, s, epochs),
        )
        for s in range(repeats)
        for k in range(points)
    ]


def grid_of(some):
    return score_grids(some)["transductive"]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3))
def test_each_fold_selects_its_best_validated_candidate(seed: int, points: int, repeats: int):
    some = trials(seed, points, repeats)
    found = score(some)
    assert found is not None
    assert len(found["accuracy"].values) == repeats * 4
    for s in range(repeats):
        for fold in range(4):
            best: dict = {"validation_score": -1.0}
            for _, one in some:
                for row in one["records"]:
                    if (row["seed"], row["fold"]) != (s, fold):
                        continue
                    if row["validation_score"] > best["validation_score"]:
                        best = row
            for metric in ("accuracy", "macro_f1"):
                assert found[metric].values[s, fold] == best["scores"][metric]
    assert sum(found.selected.values()) == repeats * 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_test_scores_select_nothing(seed: int) -> None:
    some = trials(seed, 3, 2)
    before = score(some)
    for _, one in some:
        for row in one["records"]:
            row["scores"]["accuracy"] = 1 - row["scores"]["accuracy"]
    after = score(some)
    assert before is not None
    assert after is not None
    assert before.selected == after.selected
    for key, value in before["accuracy"].values.items():
        assert after["accuracy"].values[key] == pytest.approx(1 - value)


def test_a_candidate_without_a_validation_score_is_refused_beside_others() -> None:
    blind = {(0, fold): {"validation_score": None} for fold in range(2)}
    assert select({"only": blind}) == {(0, 0): "only", (0, 1): "only"}
    with pytest.raises(ValueError, match="validation score"):
        select({"a": blind, "b": blind})


def test_the_lowest_score_is_selected_where_lower_is_better() -> None:
    one, two = ({(0, 0): {"validation_score": value}} for value in (0.5, 0.6))
    assert select({"a": one, "b": two}, sign=-1.0) == {(0, 0): "a"}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_score_that_is_no_number_is_not_selected(sign: float) -> None:
    one, two = ({(0, 0): {"validation_score": value}} for value in (float("nan"), 0.6))
    assert select({"a": one, "b": two}, sign) == {(0, 0): "b"}


def test_an_unfinished_repetition_is_left_out_and_marked() -> None:
    some = trials(0, 2, 2)
    whole = score(some[:2])
    found = score([*some[:3], (some[3][0], None)])
    assert whole is not None
    assert found is not None
    assert found["accuracy"] == whole["accuracy"]
    assert whole.complete
    assert not whole.unfinished
    assert found.complete
    assert found.unfinished
    both = {("m", "MUTAG"): found, ("n", "MUTAG"): score(some)}
    rows = score_table(both, "transductive", "accuracy").rows
    assert [row[3][-5:] == " ×1 *" for row in rows] == [True, False]
    partial = score([some[0], (some[1][0], None)])
    assert partial is not None
    assert not partial.complete
    one = score_table({("m", "MUTAG"): partial}, "transductive", "accuracy")
    assert one.rows[0][3].endswith(" *")
    assert one.caption.endswith("* Not all trials are finished.")
    full = score_table({("m", "MUTAG"): whole}, "transductive", "accuracy")
    assert "*" not in full.rows[0][3] + full.caption
    assert score([(trial, None) for trial, _ in some]) is None


def test_scores_and_differences_in_the_tables() -> None:
    some = trials(0, 1, 3, "a", (5,)) + trials(50, 1, 3, "b", (5,))
    grid = score_grids(some)["transductive"]
    table = score_table(grid, "transductive", "accuracy")
    arrays = {
        name: np.array(
            [
                [row["scores"]["accuracy"] for row in one["records"]]
                for trial, one in some
                if trial.method == name
            ]
        )
        for name in "ab"
    }
    accuracy = 100 * arrays["a"]
    text = f"{accuracy.mean():.2f} ± {accuracy.mean(1).std():.2f} ({accuracy.std(1).mean():.1f})"
    assert table.head == ["method", "candidates", "settings from", "MUTAG"]
    assert table.rows[0] == ["a", "1", "fixed before", text]
    assert "3 repetitions" in table.caption
    (row,) = difference_table(paired_tests(grid), "t").rows
    data, first, second, difference, interval, p, corrected = row
    expected = corrected_t_test(arrays["a"].ravel(), arrays["b"].ravel(), test_to_train=1 / 9)
    assert (data, first, second) == ("MUTAG", "a", "b")
    assert difference == f"{100 * expected.difference:+.2f}"
    assert interval == " … ".join(f"{100 * end:+.2f}" for end in expected.interval)
    assert p == corrected == p_text(expected.p_value)
    (chosen,) = difference_table(paired_tests(grid, [["b", "a"], ["b", "absent"]]), "t").rows
    assert chosen[1:3] == ["b", "a"]
    assert paired_tests(grid, []) == []
    assert float(chosen[3]) == -float(difference)


def measured(some, *metrics: str, settings: dict | None = None, unit: float = 1.0):
    """The trials with scores of these metrics in place of theirs."""
    for _, one in some:
        for row in one["records"]:
            values = [unit * value for value in row["scores"].values()]
            row |= {"scores": dict(zip(metrics, values, strict=False)), "settings": settings or {}}
    return some


def test_errors_are_in_their_own_unit_and_lower_is_better() -> None:
    some = trials(0, 1, 3, "a", (5,)) + trials(50, 1, 3, "b", (5,))
    before = all_tables(some)["transductive-differences"].rows[0][3]
    tables = all_tables(measured(some, "rmse", "r2", unit=20.0))
    table = tables["transductive-rmse"]
    values = np.array([[r["scores"]["rmse"] for r in one["records"]] for _, one in some[:3]])
    text = f"{values.mean():.4g} ± {values.mean(1).std():.2g} ({values.std(1).mean():.2g})"
    assert table.rows[0][3] == text
    assert table.caption.startswith("RMSE, transductive protocol: mean ± deviation over rep")
    assert table.caption.endswith("validation part. Lower is better of RMSE.")
    explained = tables["transductive-r2"]
    assert explained.caption.startswith("R², transductive protocol")
    assert "lower" not in explained.caption.lower()
    assert r"\caption{R$^2$, trans" in explained.latex()
    errors = tables["transductive-differences"]
    assert errors.head == [
        *("data set", "first", "second", "metric", "difference", "95 %", "p", "p (Holm)")
    ]
    assert errors.rows[0][3] == "RMSE"
    assert float(errors.rows[0][4]) == pytest.approx(20 * float(before) / 100, rel=1e-2)
    assert errors.caption.startswith("Paired differences (shares in percentage points), trans")
    assert errors.caption.endswith("for all 1 tests. Lower is better of RMSE.")
    for made in (table, explained, errors):
        assert "in %" not in made.csv() + made.latex() + made.markdown()


def test_ones_own_metric_is_told_as_its_record_and_its_code_say(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_shares.py").write_text(
        "from graph_hcl.probes import Metric\n"
        "HITS = Metric('hits', lambda a, b: 0.5, best=1.0, worst=0.0, title='Hits')\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(known_metrics, "_OTHERS", {})
    some = trials(0, 1, 2, "a", (5,)) + trials(50, 1, 2, "b", (5,))
    lower = {"greater_is_better": {"cost": False}}
    tables = all_tables(measured(some, "cost", settings=lower, unit=20.0))
    assert tables["transductive-cost"].caption.startswith("cost, transductive protocol")
    for name in ("cost", "differences"):
        assert tables[f"transductive-{name}"].caption.endswith("Lower is better of cost.")
    probe = ProbeConfig(metric="own_shares:HITS")
    own = [
        (dataclasses.replace(t, config=dataclasses.replace(t.config, probe=probe)), one)
        for t, one in measured(some, "hits", unit=0.05)
    ]
    table = all_tables(own)["transductive-hits"]
    assert table.caption.startswith("Hits in %, transductive protocol")
    assert float(table.rows[0][3].split()[0]) > 1


def test_data_sets_of_two_metrics_share_no_unit() -> None:
    some = trials(0, 1, 2, "a", (5,)) + trials(50, 1, 2, "b", (5,))
    other = trials(0, 1, 2, "a", (5,)) + trials(50, 1, 2, "b", (5,))
    other = [(dataclasses.replace(t, dataset="NCI1"), one) for t, one in measured(other, "mae")]
    alone = all_tables(some)["transductive-differences"].rows[0]
    table = all_tables([*some, *other])["transductive-differences"]
    assert [row[3] for row in table.rows] == ["accuracy", "MAE"]
    assert table.rows[0][4:6] == alone[3:5]
    assert float(table.rows[1][4]) == pytest.approx(float(alone[3]) / 100, abs=1e-4)


def test_what_is_not_finite_or_chosen_by_other_metrics_is_not_tested() -> None:
    some = trials(0, 1, 2, "a", (5,)) + trials(50, 1, 2, "b", (5,))
    other = [some[0], some[1], *measured(trials(50, 1, 2, "b", (5,)), "macro_f1", "accuracy")]
    (test,) = paired_tests(grid_of(other))
    assert (test.found, test.reason) == (None, "first metrics accuracy and macro-F1")
    some[0][1]["records"][0]["scores"]["accuracy"] = float("nan")
    (test,) = paired_tests(grid_of(some))
    assert (test.found, test.reason) == (None, "scores that are not finite")


def test_the_larger_test_share_of_two_methods_counts_whichever_is_first() -> None:
    some = trials(0, 1, 3, "a", (5,)) + trials(50, 1, 3, "b", (5,))
    (alike,) = paired_tests(grid_of(some))
    for trial, one in some:
        for row in one["records"]:
            row["train"] = 90 if trial.method == "a" else 20
    grid = grid_of(some)
    (test,), (back,) = (paired_tests(grid, [pair]) for pair in (["a", "b"], ["b", "a"]))
    assert test.found is not None
    assert back.found is not None
    assert alike.found is not None
    assert test.found.p_value == back.found.p_value > alike.found.p_value
    assert test.found.difference == -back.found.difference


def test_differences_are_paired_by_seed_and_fold_whatever_the_order() -> None:
    one, two = trials(0, 1, 3, "a", (5,)), trials(50, 1, 3, "b", (5,))
    expected = paired_tests(grid_of(one[1:] + two[1:]))
    # The first repetition of one method is unfinished, and the other's come in another order.
    shuffled = grid_of([(one[0][0], None), *one[1:], *reversed(two)])
    assert paired_tests(shuffled) == expected


def test_repetitions_on_fixed_folds_are_no_new_data() -> None:
    def fixed(some, copies: int):
        """The first repetition of each method, printed several times on fixed folds."""
        for trial, one in some:
            for seed in range(copies):
                rows = [row | {"seed": seed} for row in one["records"]]
                probe = ProbeConfig(splits="x.json")
                config = dataclasses.replace(trial.config, seed=seed, probe=probe)
                yield dataclasses.replace(trial, config=config), {"records": rows}

    some = trials(0, 1, 1, "a", (5,)) + trials(50, 1, 1, "b", (5,))
    once, thrice = (paired_tests(grid_of(list(fixed(some, copies)))) for copies in (1, 3))
    assert once[0].found is not None
    assert once == thrice
    shuffled_folds = [
        (
            dataclasses.replace(trial, config=dataclasses.replace(trial.config, seed=s)),
            {"records": [row | {"seed": s} for row in one["records"]]},
        )
        for trial, one in some
        for s in range(3)
    ]
    other = paired_tests(grid_of(shuffled_folds))[0].found
    assert other is not None
    assert other.p_value < once[0].found.p_value  # which is the fault, where folds are not fixed


def leave_one_out(some, shift: int):
    """The first repetition of each method as three, on the same test graphs in another order."""
    for trial, one in some:
        for seed in range(3):
            config = dataclasses.replace(trial.config, seed=seed)
            rows = [
                row | {"seed": seed, "fold": (k + shift * seed) % 4, "tested": f"{k:016x}"}
                for k, row in enumerate(one["records"])
            ]
            yield dataclasses.replace(trial, config=config), {"records": rows}


@pytest.mark.parametrize("shift", [0, 1])
def test_repetitions_on_the_same_test_graphs_in_another_order_are_no_new_data(shift: int) -> None:
    some = trials(0, 1, 1, "a", (5,)) + trials(50, 1, 1, "b", (5,))
    repeated = list(leave_one_out(some, shift))
    (once,), (thrice,) = (paired_tests(grid_of(one)) for one in (some, repeated))
    assert once.found is not None
    assert thrice.found is not None
    assert thrice.found.p_value == pytest.approx(once.found.p_value)
    assert thrice.found.interval == pytest.approx(once.found.interval)
    (scores, *_) = grid_of(repeated).values()
    (first, *_) = grid_of(some).values()
    assert scores["accuracy"].interval == pytest.approx(first["accuracy"].interval)


def test_methods_with_other_test_graphs_in_a_fold_are_not_compared() -> None:
    some = trials(0, 1, 1, "a", (5,)) + trials(50, 1, 1, "b", (5,))
    for trial, one in some:
        for row in one["records"]:
            row["tested"] = f"{row['fold'] + (trial.method == 'b'):016x}"
    (test,) = paired_tests(grid_of(some))
    assert (test.found, test.reason) == (None, "other folds")
    for row in some[0][1]["records"]:  # as in records of before
        del row["tested"]
    assert paired_tests(grid_of(some))[0].found is not None


def test_p_values_are_corrected_for_all_tests_of_the_page() -> None:
    some = [one for k, name in enumerate("abc") for one in trials(50 * k, 1, 3, name, (5,))]
    tests = paired_tests(grid_of(some))
    own = [test.found.p_value for test in tests if test.found]
    others = [0.5, 0.001]
    table = difference_table(tests, "t", others)
    assert [row[-1] for row in table.rows] == [p_text(p) for p in holm([*own, *others])[:3]]
    assert "all 5 tests" in table.caption
    whole = all_tables(some, others=others)["transductive-differences"]
    assert whole.rows == table.rows


def test_methods_with_other_numbers_of_candidates_are_not_compared() -> None:
    some = trials(0, 1, 2, "one", (5,)) + trials(50, 3, 2, "three", (5,))
    grid = grid_of(some)
    assert [scores.candidates for scores in grid.values()] == [1, 3]
    (test,) = paired_tests(grid)
    assert test.found is None
    assert difference_table([test], "t").rows == [
        ["MUTAG", "one", "three", "", "not tested: 1 and 3 candidates", "", ""]
    ]
    control = [(dataclasses.replace(t, baseline="bag"), r) for t, r in some if t.method == "one"]
    (test,) = paired_tests(grid_of([*control, *some[2:]]))
    assert test.found is not None  # without training there is nothing to choose


def test_unfinished_candidates_are_not_compared() -> None:
    some = trials(0, 2, 1, "a", (5,)) + trials(50, 2, 1, "b", (5,))
    (test,) = paired_tests(grid_of([(some[0][0], None), *some[1:]]))
    assert (test.found, test.reason) == (None, "not all candidates are finished")


def test_settings_that_saw_the_data_set_are_marked_and_not_compared() -> None:
    some = trials(0, 1, 2, "a", (5,)) + trials(50, 1, 2, "b", (5,))
    seen = [
        (dataclasses.replace(t, selected_on=("MUTAG", "NCI1")) if t.method == "b" else t, r)
        for t, r in some
    ]
    grid = grid_of(seen)
    table = score_table(grid, "transductive", "accuracy")
    assert [row[2] for row in table.rows] == ["fixed before", "MUTAG, NCI1"]
    assert [row[3].endswith(" †") for row in table.rows] == [False, True]
    assert "† The settings were chosen on this data set" in table.caption
    assert paired_tests(grid) == [
        PairedTest("MUTAG", "a", "b", None, "settings chosen on this data set")
    ]
    elsewhere = [(dataclasses.replace(t, selected_on=("NCI1",)), r) for t, r in some]
    table = score_table(grid_of(elsewhere), "transductive", "accuracy")
    assert "†" not in table.caption + "".join(row[3] for row in table.rows)
    assert paired_tests(grid_of(elsewhere))[0].found is not None


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


def test_what_has_no_finished_trial_keeps_its_place() -> None:
    def none(some):
        return [(trial, None) for trial, _ in some]

    def on(name: str, some):
        return [(dataclasses.replace(trial, dataset=name), one) for trial, one in some]

    first, second = trials(0, 1, 1, "a"), trials(1, 1, 1, "b")
    table = all_tables([*none(first), *second, *on("NCI1", none(second))])["transductive-accuracy"]
    assert table.head[3:] == ["MUTAG", "NCI1"]
    (a, b) = table.rows
    assert a == ["a", "–", "–", "– *", ""]
    assert b[0] == "b"
    assert b[4] == "– *"
    assert "*" not in b[3]
    assert table.caption.endswith("* Not all trials are finished.")
