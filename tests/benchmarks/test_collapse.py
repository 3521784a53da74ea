"""The collapse benchmark end to end on MUTAG, and its verdicts on made-up columns."""

import doctest

import pytest
import torch

from benchmarks.science import table
from benchmarks.science.collapse import __main__ as command
from benchmarks.science.collapse import grid, results, verdicts
from benchmarks.science.collapse.grid import measured_epochs
from benchmarks.science.collapse.orderings import anchors_in_order, ordering_verdicts
from benchmarks.science.collapse.results import longer, usual
from benchmarks.science.collapse.verdicts import collapse_verdicts
from benchmarks.science.command import ROOT
from graph_hcl import geometry
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.workers import run_trials
from graph_hcl.layers import read_settings


def trial(beta, live, angle, *, normalize="ball", negatives="label", classes=5, scl=0.6, **more):
    part = {
        "live_dimensions": [1, live],
        "equal_inner_product": [1.0, angle],
        "class_mean_accuracy": [0.2, 0.9],
        "scl": [0.7, scl],
        "h-scl": [0.7, scl + 0.01],
        "ucl": [0.7, scl],
        "h-ucl": [0.7, scl],
    }
    return {
        "dataset": "A", "classes": classes, "normalize": normalize, "negatives": negatives,
        "beta": beta, "epoch": [0, 10], "epochs": 10, "stopped": None, "floor": 0.25, "seed": 0,
        "graphs": [40, 10], "batch_size": 10, "seconds": 1.0,
        "train": part, "held_out": part, "spectrum": {"train": [1.0, 0.1], "held_out": [1.0]},
    } | more  # fmt: skip


def grades(*trials):
    return [verdict.verdict for verdict in collapse_verdicts(trials)]


def test_a_reached_simplex_and_a_collapse_without_hard_negatives_hold():
    for negatives, place in (("label", 2), ("all", 3)):
        found = grades(
            trial(0, 1, 0.5, negatives=negatives),
            trial(5, 4, 0.01, negatives=negatives),
            trial(5, 1, 0.5, normalize="none", negatives=negatives),
        )
        assert found[:2] == ["holds", "holds"]
        assert found[place] == "holds"
        assert found[5 - place] == "not measured"
        assert found[5:] == ["holds", "holds"]


def test_coming_nearer_is_a_part_and_staying_away_is_none():
    assert grades(trial(0, 1, 0.5), trial(5, 3, 0.2))[2] == "partly"
    assert grades(trial(0, 3, 0.2), trial(5, 1, 0.5))[2] == "does not hold"
    # More dimensions at worse angles are not nearer.
    assert grades(trial(0, 1, 0.2), trial(5, 4, 0.5))[2] == "does not hold"


def test_a_simplex_without_hardness_or_normalisation_refutes_the_collapse():
    found = grades(trial(0, 4, 0.01), trial(5, 4, 0.01, normalize="none"))
    assert found[5:] == ["does not hold", "does not hold"]
    assert grades(trial(0, 3, 0.2))[5] == "partly"


def test_cells_without_normalisation_are_compared_with_their_twins_in_the_ball():
    trials = [
        trial(5, 3, 0.1), trial(5, 1, 0.5, normalize="none"),
        trial(2, 3, 0.4), trial(2, 1, 0.3, normalize="none"),
        trial(9, 1, 0.5, normalize="none"),
    ]  # fmt: skip
    assert "more equal angles in 1 of 2 trials." in list(collapse_verdicts(trials))[-1].reason


def test_the_hardness_suits_where_the_middle_one_is_best():
    assert grades(trial(0, 1, 0.5), trial(5, 3, 0.2), trial(30, 3, 0.3))[4] == "holds"
    assert grades(trial(0, 1, 0.5), trial(5, 3, 0.2), trial(30, 3, 0.1))[4] == "does not hold"
    assert grades(trial(0, 1, 0.5), trial(5, 3, 0.2))[4] == "not measured"


def test_one_data_set_of_two_is_a_part():
    other = [trial(0, 1, 0.5, dataset="B"), trial(5, 1, 0.6, dataset="B")]
    assert grades(trial(0, 1, 0.5), trial(5, 4, 0.01), *other)[2] == "partly"


def test_losses_below_the_floor_and_below_the_plain_ones_are_found():
    assert grades(trial(5, 4, 0.01, scl=0.2))[0] == "does not hold"
    # Without normalisation there is no floor.
    assert grades(trial(5, 4, 0.01, scl=0.2, normalize="none"))[0] == "not measured"
    broken = trial(5, 4, 0.01)
    broken["held_out"] = broken["held_out"] | {"h-scl": [0.7, 0.5]}
    assert grades(broken)[1] == "does not hold"


def test_a_cell_that_diverged_is_no_evidence():
    assert grades(trial(5, 4, 0.01, scl=0.2, stopped="The loss became nan."))[0] == "not measured"


def ordering(objective, hardening, h_scl, accuracy, share=1.0, **more):
    found = {
        "h-scl": [0.7, h_scl], "scl": [0.7, h_scl - 0.1], "h-ucl": [0.7, h_scl + 0.1],
        "ucl": [0.7, h_scl - 0.05], "assumption_1": [share, share],
        "ordered_under": [1.0, 1.0], "ordered_else": [0.0, 0.0],
    }  # fmt: skip
    return {
        "dataset": "A", "classes": 2, "objective": objective, "hardening": hardening, "seed": 0,
        "accuracy": {"trained": accuracy, "untrained": 0.5}, "by_hardening": {"beta1": found},
    } | more  # fmt: skip


def test_the_verdicts_on_orderings_follow_the_columns():
    good = [
        ordering("ucl", None, 0.6, 0.7), ordering("h-ucl", "beta1", 0.5, 0.8),
        ordering("scl", None, 0.4, 0.8), ordering("h-scl", "beta1", 0.3, 0.9),
    ]  # fmt: skip
    lowered = "Minimising UCL does not bring H-SCL down."
    assert {v.verdict for v in ordering_verdicts(good) if v.claim != lowered} == {"holds"}
    assert {v.verdict for v in ordering_verdicts(good) if v.claim == lowered} == {"does not hold"}
    bad = [
        ordering("ucl", None, 0.5, 0.8), ordering("h-ucl", "beta1", 0.6, 0.7),
        ordering("scl", None, 0.3, 0.9), ordering("h-scl", "beta1", 0.4, 0.6),
    ]  # fmt: skip
    by_claim = {v.claim: v.verdict for v in ordering_verdicts(bad)}
    for claim in (
        "Minimising H-UCL brings H-SCL further down than minimising UCL.",
        "H-SCL classifies better than SCL, by a percentage point.",
        "H-UCL classifies better than UCL, by a percentage point.",
    ):
        assert by_claim[claim] == "does not hold"


def test_anchors_in_order_are_those_under_assumption_1():
    z = torch.nn.functional.normalize(
        torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    )
    label = torch.arange(40) % 2
    seen = geometry.negative_statistics(z.double(), torch.arange(40), label, positives="label")
    found = anchors_in_order(seen)
    assert 0 < found["assumption_1"] < 1
    assert found["ordered_under"] == 1
    assert found["ordered_else"] == 0


def test_longer_cells_are_those_of_the_usual_batch_size():
    trials = [trial(beta, 1, 0.5) for beta in (0, 2, 5)]
    long, wide = trial(5, 3, 0.1, epochs=40), trial(5, 2, 0.3, epochs=40, batch_size=20)
    main, others = usual([*trials, long, wide])
    assert (main, others) == (trials, [long, wide])
    assert longer(main, others) == [long]


def test_measured_epochs_are_early_regular_and_last():
    assert measured_epochs(50, 20) == [0, 5, 10, 20, 40, 50]
    assert measured_epochs(2, 20) == [0, 2]


@pytest.mark.parametrize("module", [grid, table, results, verdicts], ids=lambda m: m.__name__)
def test_the_examples_in_the_docstrings_are_right(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_every_trial_has_a_name_of_its_own_and_the_settings_of_its_file():
    points = grid.grid()
    assert len({point.name for point in points}) == len(points) == 4 * 5 * 3 * 2 + 70 + 4 * 4 + 5
    some = {point.name: point for point in points}
    trial = some["collapse_COIL-DEL_none_all_beta2_epochs40"].trial()
    assert (trial.dataset, trial.config.beta, trial.config.epochs) == ("COIL-DEL", 2.0, 40)
    assert (trial.config.projection.normalize, trial.config.loss.negatives) == ("none", "all")
    assert (trial.epochs, trial.config.batch_size) == ((0, 5, 10, 20, 40), 128)
    trial = some["orderings_ENZYMES_h-scl_tau0.90_seed2"].trial()
    assert (trial.dataset, trial.config.seed, trial.config.objective) == ("ENZYMES", 2, "h-scl")
    assert trial.config.loss.hardening_options == {"tau": 0.904837}
    assert trial.epochs == tuple(range(21))


def test_epochs_of_the_config_files_are_those_of_the_grid():
    for file in grid.CONFIGS.glob("*.yaml"):
        ordering = file.stem == "orderings"
        expected = grid.ORDERING_EPOCHS if ordering else grid.COLLAPSE_EPOCHS
        assert read_settings(file).values["epochs"] == expected


def test_the_committed_results_are_trials_of_the_grid():
    names = command.names_with_results(command.BENCHMARK.results)
    assert names <= {point.name for point in grid.grid()}


def test_a_grid_on_mutag_gives_results_figures_and_a_page_and_goes_on(tmp_path):
    folder, found, docs = TrialFolder(tmp_path / "t"), tmp_path / "results", tmp_path / "docs"
    points = [point for point in grid.quick_grid() if "none" not in point.name][:6]
    assert any(point.name.startswith("orderings") for point in points)
    trials = [point.trial() for point in points]
    run_trials(trials, folder, jobs=1)
    first = folder.read(trials[1])
    assert first is not None
    assert [look["epoch"] for look in first["records"]] == [0, 3]
    assert first["key"]["config"]["beta"] == 5.0
    written = {file: file.stat().st_mtime_ns for file in folder.path.rglob("*.json")}
    assert len(written) == len(trials)
    run_trials(trials, folder, jobs=1)
    assert {file: file.stat().st_mtime_ns for file in folder.path.rglob("*.json")} == written
    command.write(folder, found, docs, points[:5])
    text = (docs / "collapse.md").read_text(encoding="utf-8")
    assert "MUTAG: 2 classes" in text
    drawn = {path.stem for path in (docs / "figures").glob("*.svg")}
    assert drawn == set(command.CAPTIONS) - {"collapse-long"}
    assert not command.stale(found, docs, points[:5])
    assert "not trained: none" in text
    assert command.stale(found, docs, grid.quick_grid())
    # Results stay when the trials that gave them are gone.
    command.write(TrialFolder(tmp_path / "empty"), found, docs, points[:5])
    assert (docs / "collapse.md").read_text(encoding="utf-8") == text
    (docs / "collapse.md").write_text(text.replace("**holds**", "**partly**"), encoding="utf-8")
    assert command.stale(found, docs, points[:5])


def test_the_committed_page_is_what_the_committed_results_give():
    assert not command.stale(command.BENCHMARK.results, ROOT / "docs", grid.grid())
