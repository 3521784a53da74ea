"""Two folders of one benchmark: equal records are, noise agrees, and a planted change differs."""

import copy
import dataclasses
import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from graph_hcl.benchmarking.comparison import (
    AGREES,
    DIFFERS,
    EQUAL,
    compare_folders,
    open_records,
)
from graph_hcl.benchmarking.comparison_page import page
from graph_hcl.benchmarking.folder import TrialFolder, write_records
from graph_hcl.benchmarking.record import SCHEMA, to_line
from graph_hcl.benchmarking.trials import Trial
from graph_hcl.config import Config, ProbeConfig
from graph_hcl.errors import UserError

EPOCHS = (5, 10)
SEEDS = (0, 1, 2)


def trials(splits: str | None = None, measure: str | None = None) -> list[Trial]:
    return [
        Trial(
            "MUTAG",
            f"β = {beta}",
            "transductive",
            Config(
                dataset="MUTAG",
                protocol="transductive",
                seed=seed,
                beta=beta,
                probe=ProbeConfig(splits=splits),
            ),
            EPOCHS,
            {"beta": beta},
            measure=measure,
        )
        for beta, seed in itertools.product((0.1, 0.5), SEEDS)
    ]


def record(trial: Trial, folds: int = 10) -> dict:
    """Return a record with random scores that depend on the trial alone."""
    draw = np.random.default_rng(int(trial.name[:8], 16))
    return {
        "schema": SCHEMA,
        "trial": trial.name,
        "dataset": trial.dataset,
        "protocol": trial.protocol,
        "key": trial.key(),
        "data_sha256": "0" * 64,
        "commit": None,
        "threads": 1,
        "processor": None,
        "versions": {},
        "seconds": {"train": 1.0, "evaluate": 1.0},
        "records": [
            {
                "epoch": epoch,
                "probe": "svm",
                "settings": {},
                "seed": trial.config.seed,
                "fold": fold,
                "scores": dict(zip(("accuracy", "auc"), draw.normal(0.7, 0.05, 2), strict=True)),
                "validation_score": 0.5,
                "params": {},
                "train": 90,
                "validation": 0,
                "test": 10,
            }
            for epoch in EPOCHS
            for fold in range(folds)
        ],
    }


def shifted(given: dict, shift, epoch: int = 10, metric: str = "auc") -> dict:
    """Return the record with `shift()` added to a metric in every fold of an epoch."""
    changed = copy.deepcopy(given)
    for row in changed["records"]:
        if row["epoch"] == epoch:
            row["scores"][metric] += shift()
    return changed


def folder(path: Path, records) -> TrialFolder:
    write_records(path.with_suffix(".jsonl"), records)
    return open_records(str(path))


def compared(tmp_path: Path, change, some=None):
    """Return the comparison of records with what `change` makes of them."""
    some = some or trials()
    records = [record(trial) for trial in some]
    changed = [change(trial, one) for trial, one in zip(some, records, strict=True)]
    first = folder(tmp_path / "first", records)
    second = folder(tmp_path / "second", [one for one in changed if one is not None])
    return compare_folders(some, first, second)


def verdicts(found) -> dict[tuple[str, str], str]:
    return {(one.method, one.point): one.verdict for one in found.candidates}


def test_the_same_records_are_equal(tmp_path: Path) -> None:
    found = compared(tmp_path, lambda trial, one: one)
    assert found.verdicts == [EQUAL] * 6
    assert set(verdicts(found).values()) == {EQUAL}
    assert len(found.candidates) == 4
    assert page(found).startswith(
        f"6 trials are in both {tmp_path / 'first'} and {tmp_path / 'second'}: 6 equal, 0 agree "
        "within noise, 0 differ; 0 are in"
    )


def test_other_times_commits_and_parameters_are_no_difference(tmp_path: Path) -> None:
    found = compared(
        tmp_path, lambda trial, one: one | {"seconds": {"train": 9, "evaluate": 0}, "commit": "a"}
    )
    assert found.verdicts == [EQUAL] * 6
    assert found.notes == ["Records of 2 commits: unknown (6), a (6)."]


def test_noise_agrees_and_a_shift_of_one_candidate_differs_in_any_metric(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    noise = lambda: draw.normal(0, 0.03)  # noqa: E731

    def change(trial, one):
        if trial.config.beta == 0.1:
            return shifted(one, noise)
        return shifted(one, lambda: noise() - 0.05)

    found = compared(tmp_path, change)
    assert found.verdicts == [AGREES] * 3 + [DIFFERS] * 3
    assert verdicts(found) == {
        ("β = 0.1", "beta=0.1, epoch=5"): EQUAL,
        ("β = 0.1", "beta=0.1, epoch=10"): AGREES,
        ("β = 0.5", "beta=0.5, epoch=5"): EQUAL,
        ("β = 0.5", "beta=0.5, epoch=10"): DIFFERS,
    }
    (planted,) = [one.test for one in found.candidates if one.verdict == DIFFERS]
    assert planted.metric == "auc"
    assert planted.paired.difference == pytest.approx(0.05, abs=0.015)
    assert planted.means[0] - planted.means[1] == pytest.approx(planted.paired.difference)
    assert "the median interval is ± 0.01" in page(found)  # expected: .03 √(1/30 + 1/9) 2.05 = .023
    rows = [line for line in page(found).splitlines() if line.startswith("| MUTAG")]
    assert [row.split("|")[-2].strip() for row in rows] == [DIFFERS, AGREES, EQUAL, EQUAL]


def renamed(given: dict, name: str, unit: float) -> dict:
    """Return the record with one metric, of other values, in place of all."""
    changed = copy.deepcopy(given)
    for row in changed["records"]:
        row["scores"] = {name: unit * row["scores"]["accuracy"]}
        row["validation_score"] = None
    return changed


@pytest.mark.parametrize("name", ["rmse", "accuracy"])
def test_a_page_tells_each_metric_in_its_own_unit(tmp_path: Path, name: str) -> None:
    some, draw = trials(), np.random.default_rng(0)
    unit = 20.0 if name == "rmse" else 1.0
    first = [renamed(record(trial), name, unit) for trial in some]
    second = [shifted(one, lambda: unit * draw.normal(0, 0.03), 10, name) for one in first]
    found = compare_folders(
        some, folder(tmp_path / "first", first), folder(tmp_path / "second", second)
    )
    (test, *_) = [one.test for one in found.candidates if one.verdict == AGREES]
    text = page(found)
    if name == "accuracy":
        assert "Means in %, and first − second in percentage points with its" in text
        assert f"{100 * test.means[0]:.2f} | {100 * test.means[1]:.2f}" in text
        assert "Lower is better" not in text
        return
    assert "Means, shares in %, and first − second, shares in percentage points, with its" in text
    assert "identical. Lower is better of RMSE." in text
    assert f"| {test.means[0]:.4g} " in text
    assert f"{test.paired.difference:+.4g} ({test.paired.interval[0]:+.4g} …" in text
    assert "the median interval is ± 0." in text
    assert " of RMSE, and smaller changes" in text


def test_the_larger_test_share_of_two_folders_counts_whichever_is_first(tmp_path: Path) -> None:
    some, draw = trials(), np.random.default_rng(0)
    first = [record(trial) for trial in some]
    second = [shifted(one, lambda: draw.normal(0.01, 0.03)) for one in first]
    for one in second:
        for row in one["records"]:
            row["train"] = 20
    a, b = folder(tmp_path / "a", first), folder(tmp_path / "b", second)
    p = [
        [one.test.paired.p_value for one in compare_folders(some, *sides).candidates if one.test]
        for sides in ((a, b), (b, a))
    ]
    assert p[0] == p[1]


def test_only_the_trials_that_changed_are_counted(tmp_path: Path) -> None:
    def change(trial, one):
        return shifted(one, lambda: 1e-3 * trial.config.seed) if trial.config.seed == 1 else one

    found = compared(tmp_path, change)
    assert found.verdicts == [EQUAL, AGREES, EQUAL] * 2


def test_repetitions_of_one_shift_on_fixed_folds_are_no_more_evidence(tmp_path: Path) -> None:
    splits = tmp_path / "splits.json"
    splits.write_text("[]", encoding="utf-8")
    shifts = np.random.default_rng(2).normal(0.03, 0.055, 10)

    def change(trial, one):  # each repetition has the same shift in the same fold
        values = itertools.cycle(shifts)
        return shifted(one, lambda: next(values))

    drawn = compared(tmp_path, change, trials())
    fixed = compared(tmp_path, change, trials(str(splits)))
    assert set(drawn.verdicts) == {AGREES}
    p = [min(one.test.paired.p_value for one in each.candidates) for each in (drawn, fixed)]
    assert p[0] < p[1]


def test_repetitions_on_the_same_test_graphs_in_another_order_are_no_more_evidence(
    tmp_path: Path,
) -> None:
    shifts = np.random.default_rng(2).normal(0.03, 0.055, 10)

    def records(place) -> list[dict]:  # of leaving one group out, the order of the folds is drawn
        made = [copy.deepcopy(record(trial)) for trial in trials()]
        for one in made:
            for row in one["records"]:
                group = (row["fold"] + row["seed"]) % 10
                row["tested"] = f"{group:016x}"
                place(row, group)
        return made

    def change(row, group) -> None:
        row["scores"]["auc"] += shifts[group]

    first, second = records(lambda row, group: None), records(change)
    for one in second:
        for row in one["records"]:
            row["scores"]["accuracy"] += 1e-6 * row["fold"] ** 2
    found = {}
    for name in ("known", "unknown"):
        sides = [folder(tmp_path / f"{name}{k}", side) for k, side in enumerate((first, second))]
        (one, *_) = compare_folders(trials(), *sides).candidates
        assert one.test is not None
        found[name] = one.test.paired
        for side in (first, second):
            for row in (row for one in side for row in one["records"]):
                row.pop("tested", None)
    assert found["known"].degrees == 9
    assert found["unknown"].degrees == 29
    assert found["known"].p_value > found["unknown"].p_value


def test_other_test_graphs_in_a_fold_cannot_be_tested(tmp_path: Path) -> None:
    some = trials()[:1]
    sides = []
    for moved in (0, 1):
        one = shifted(record(some[0]), lambda: 0.01 * moved)  # noqa: B023
        for row in one["records"]:
            row["tested"] = f"{row['fold'] + moved:016x}"
        sides.append(folder(tmp_path / f"side{moved}", [one]))
    found = compare_folders(some, *sides)
    assert [one.test for one in found.candidates] == [None, None]
    assert found.verdicts == [DIFFERS]


def test_the_level_holds_for_all_candidates_together(tmp_path: Path) -> None:
    """Of 60 comparisons of pure noise, each of 4 candidates × 2 metrics, about 3 may differ."""
    some, wrong = trials(), 0
    first = {trial.name: record(trial) for trial in some}
    for repetition in range(60):
        draw = np.random.default_rng(repetition)
        # What all folds share because their training sets overlap, with the variance of the test.
        shared = draw.normal(0, 0.05 / 3, (2, 2, 2))
        second = {}
        for trial in some:
            one = first[trial.name]
            for (e, epoch), (m, metric) in itertools.product(
                enumerate(EPOCHS), enumerate(("accuracy", "auc"))
            ):
                shift = partial(draw.normal, shared[int(trial.config.beta == 0.5), e, m], 0.05)
                one = shifted(one, shift, epoch, metric)
            second[trial.name] = one
        sides = TrialFolder(tmp_path / "a"), TrialFolder(tmp_path / "b")
        for side, records in zip(sides, (first, second), strict=True):
            vars(side)["gathered"] = records
        wrong += DIFFERS in compare_folders(some, *sides).verdicts
    assert wrong <= 8


def test_missing_trials_are_counted_on_their_side(tmp_path: Path) -> None:
    some = trials()
    first = folder(tmp_path / "a", [record(trial) for trial in some[:4]])
    second = folder(tmp_path / "b", [record(trial) for trial in some[3:5]])
    found = compare_folders(some, first, second)
    assert (len(found.verdicts), found.only, found.neither) == (1, (3, 1), 1)
    assert "3 are in" in page(found)


@pytest.mark.parametrize("folds", [[{"fold": 0}], [{"fold": 99}]])
def test_what_cannot_be_tested_differs_unless_it_is_equal(tmp_path: Path, folds) -> None:
    splits = tmp_path / "splits.json"
    splits.write_text("[]", encoding="utf-8")
    some = trials(str(splits))[:1]
    one = record(some[0], folds=1)
    other = shifted(one, lambda: 1e-6)
    for row in other["records"]:
        row.update(folds[0])
    first, second = folder(tmp_path / "a", [one]), folder(tmp_path / "b", [other])
    assert compare_folders(some, first, second).verdicts == [DIFFERS]
    assert compare_folders(some, first, first).verdicts == [EQUAL]


def test_measurements_and_nan_are_compared_as_they_are(tmp_path: Path) -> None:
    some = trials(measure="package.module:Class")[:2]
    rows = [{"epoch": 5, "part": "seed0", "rank": 3}, {"epoch": 10, "part": "seed0", "rank": 2}]
    one = [record(trial) | {"records": rows} for trial in some]
    other = [one[0], one[1] | {"records": [rows[0], rows[1] | {"rank": 9}]}]
    first, second = folder(tmp_path / "a", one), folder(tmp_path / "b", other)
    assert compare_folders(some, first, second).verdicts == [EQUAL, DIFFERS]
    some = trials()[:2]
    nan = [shifted(record(trial), lambda: float("nan")) for trial in some]
    third = folder(tmp_path / "c", nan)
    assert compare_folders(some, third, third).verdicts == [EQUAL, EQUAL]
    assert page(compare_folders(some, third, third))


def test_a_folder_its_file_and_nothing(tmp_path: Path) -> None:
    some = trials()[:1]
    gathered = folder(tmp_path / "a", [record(some[0])])
    assert open_records(str(tmp_path / "a.jsonl")).path == gathered.path
    trials_folder = tmp_path / "b" / "trials"
    trials_folder.mkdir(parents=True)
    text = to_line(record(some[0]))
    (trials_folder / f"{some[0].name}.json").write_text(text, encoding="utf-8")
    assert compare_folders(some, gathered, open_records(str(tmp_path / "b"))).verdicts == [EQUAL]
    for name in ("none", "none.jsonl", "b.jsonl"):
        with pytest.raises(UserError, match="there is none at"):
            open_records(str(tmp_path / name))


def test_points_of_one_method_are_judged_apart(tmp_path: Path) -> None:
    some = [dataclasses.replace(trial, method="one") for trial in trials()]
    draw = np.random.default_rng(5)

    def change(trial, one):
        planted = 0.1 if trial.config.beta == 0.5 else 0.0
        return shifted(one, lambda: planted + draw.normal(0, 0.02))

    assert compared(tmp_path, change, some).verdicts == [AGREES] * 3 + [DIFFERS] * 3
