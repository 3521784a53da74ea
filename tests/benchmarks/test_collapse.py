"""The collapse benchmark end to end on MUTAG, and its verdicts on made-up columns."""

import dataclasses
import doctest
import json
import math

import pytest
import torch

from benchmarks.science import table
from benchmarks.science.collapse import __main__ as command
from benchmarks.science.collapse import grid, results, verdicts
from benchmarks.science.collapse.control import compared, control_verdicts, factor, temperature
from benchmarks.science.collapse.grid import measured_epochs
from benchmarks.science.collapse.orderings import anchors_in_order, ordering_verdicts
from benchmarks.science.collapse.page import page
from benchmarks.science.collapse.results import longer, usual
from benchmarks.science.collapse.verdicts import collapse_verdicts
from benchmarks.science.command import ROOT
from graph_hcl import geometry
from graph_hcl.benchmarking.folder import TrialFolder
from graph_hcl.benchmarking.workers import run_trials
from graph_hcl.layers import read_settings
from graph_hcl.plot.themes import THEMES


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
        "beta": beta, "temperature": 1.0, "epoch": [0, 10], "epochs": 10,
        "stopped": None, "floor": 0.25, "seed": 0,
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


def hardness(hard, control, plain=(1, 0.5), again=None, **more):
    """Return a hard trial and a plain one, and the trials beside them, by dimensions and angle."""
    beside = [trial(0, *control, temperature=1 / 6, **more)]
    if again is not None:
        beside.append(trial(5, *again, seed=1, **more))
    return [trial(0, *plain, **more), trial(5, *hard, **more)], beside


def test_a_lower_temperature_does_the_same_where_its_trial_ends_alike():
    near, far = ((8, 0.3), (7, 0.2)), ((8, 0.3), (6, 0.3))
    for pair, expected in ((near, "holds"), (far, "does not hold")):
        (verdict,) = control_verdicts(*hardness(*pair, classes=11))
        assert verdict.verdict == expected
    # As many dimensions, but the other side of one bound: of a simplex, and of a collapse.
    for pair in (((10, 0.04), (10, 0.06)), ((10, 0.04), (9, 0.04)), ((5, 0.2), (4, 0.2))):
        (verdict,) = control_verdicts(*hardness(*pair, classes=11))
        assert verdict.verdict == "does not hold"
    both = [hardness(*pair, classes=11, dataset=name) for pair, name in ((near, "A"), (far, "B"))]
    (verdict,) = control_verdicts(*(first + second for first, second in zip(*both, strict=True)))
    assert verdict.verdict == "partly"
    assert "A 1 of 1, most equal angles 0.300 (β = 5) and 0.200 (T′ = 0.167)" in verdict.reason
    assert "B 0 of 1 (not β = 5)" in verdict.reason


def test_the_yardsticks_are_another_seed_and_the_plain_loss():
    (verdict,) = control_verdicts(*hardness((4, 0.3), (4, 0.3), (4, 0.2), again=(1, 0.5)))
    for words in (
        "SCL at T′ 1 of 1 (by live dimensions alone 1), equal inner product 0.300 in the median",
        "H-SCL with another seed 0 of 1 (by live dimensions alone 0), equal inner product 0.500",
        "SCL at T 1 of 1 (by live dimensions alone 1), equal inner product 0.200",
    ):
        assert words in verdict.reason
    (verdict,) = control_verdicts(*hardness((4, 0.04), (4, 0.3), (1, 0.5)))
    for words in (
        "SCL at T′ 0 of 1 (by live dimensions alone 1), equal inner product 0.300 in the median "
        "beside 0.040",
        "H-SCL with another seed not measured; SCL at T 0 of 1 (by live dimensions alone 0)",
    ):
        assert words in verdict.reason


def test_a_control_has_the_temperature_of_its_hardness_and_the_same_setting():
    collapse, (control,) = hardness((4, 0.3), (4, 0.3))
    assert len(compared(collapse, [control])) == 1
    for other in (
        {"temperature": 1 / 11}, {"negatives": "all"}, {"normalize": "none"}, {"epochs": 40},
        {"batch_size": 20}, {"dataset": "B"}, {"beta": 5}, {"stopped": "The loss became nan."},
    ):  # fmt: skip
        assert not compared(collapse, [control | other])
        assert list(control_verdicts(collapse, [control | other])) == []
    collapse[1]["stopped"] = "The loss became nan."
    assert not compared(collapse, [control])


def test_the_factor_is_at_most_what_the_loss_tells():
    x = 3 * torch.randn(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    same = torch.full_like(x, 0.7)
    for logits, slack in ((x, 0.01), (same, 0.0)):
        loss = torch.nn.functional.softplus(logits).mean().item()
        bound = factor(trial(5, 4, 0.1, scl=loss - 0.01))  # H-SCL is .01 above SCL there
        assert bound >= logits.sigmoid().mean().item() + slack - 1e-12
    assert bound == pytest.approx(same.sigmoid().mean().item())
    latent = factor(trial(5, 4, 0.1, scl=0.5, negatives="all"))  # and H-UCL equals it
    assert latent == pytest.approx(1 - math.exp(-0.5))


def test_the_figure_shows_the_control_at_the_hardness_that_it_stands_for():
    collapse, beside = hardness((4, 0.3), (3, 0.2), (1, 0.5), again=(2, 0.4))
    figure = temperature(compared(collapse, beside))
    lines = {line.get_label(): line for line in figure.axes[1].get_lines()}
    shown = {name: list(line.get_ydata()) for name, line in lines.items()}
    assert shown["ball, H-SCL"] == [0.5, 0.3]
    assert shown["ball, SCL at T′ = T / (1 + β)"] == [0.5, 0.2]
    assert shown["ball, H-SCL, another seed"] == [0.4]
    assert list(lines["ball, SCL at T′ = T / (1 + β)"].get_xdata()) == ["0", "5"]


def test_controls_are_read_apart_so_that_the_other_verdicts_stay(tmp_path):
    collapse, beside = hardness((4, 0.3), (4, 0.01), again=(4, 0.01))
    old = [{name: value for name, value in c.items() if name != "temperature"} for c in collapse]
    named = [c | {"name": str(k)} for k, c in enumerate([*old, *beside])]
    (tmp_path / "A.json").write_text(json.dumps(named), encoding="utf-8")
    read = results.read(tmp_path)
    assert [[c["name"] for c in part] for part in read] == [["0", "1"], ["2", "3"], []]
    assert grades(*read[0]) == grades(*collapse) != grades(*collapse, *beside)
    with_controls, without = (page(read[0], part, [], []) for part in (read[1], []))
    rows = {line for line in without.splitlines() if line.startswith("|")}
    assert rows < set(with_controls.splitlines())
    assert "| A | H-SCL | 5 | 0.167 | 4 / 4 / 1 / 4 |" in with_controls


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
    assert len({point.name for point in points}) == len(points) == 120 + 32 + 70 + 4 * 4 + 5
    some = {point.name: point for point in points}
    trial = some["collapse_COIL-DEL_none_all_beta2_epochs40"].trial()
    assert (trial.dataset, trial.config.beta, trial.config.epochs) == ("COIL-DEL", 2.0, 40)
    assert (trial.config.projection.normalize, trial.config.loss.negatives) == ("none", "all")
    assert (trial.epochs, trial.config.batch_size) == ((0, 5, 10, 20, 40), 128)
    trial = some["orderings_ENZYMES_h-scl_tau0.90_seed2"].trial()
    assert (trial.dataset, trial.config.seed, trial.config.objective) == ("ENZYMES", 2, "h-scl")
    assert trial.config.loss.hardening_options == {"tau": 0.904837}
    assert trial.epochs == tuple(range(21))


def test_controls_have_no_hardness_and_the_temperature_of_the_same_push():
    points = {point.name: point for point in grid.grid()}
    for name, beta in (("0.3333", 2), ("0.1667", 5), ("0.09091", 10), ("0.03226", 30)):
        for dataset in grid.SETS:
            control = points[f"collapse_{dataset}_ball_label_beta0_temperature{name}"].trial()
            hard = points[f"collapse_{dataset}_ball_label_beta{beta}"].trial()
            assert hard.config.loss.detach_weights  # as the law at T / (1 + β) needs
            assert control.config.temperature == pytest.approx(1 / (1 + beta))
            same = dataclasses.replace(control.config, temperature=1.0, beta=float(beta))
            assert same == hard.config
            again = points[f"collapse_{dataset}_ball_label_beta{beta}_seed1"].trial()
            assert dataclasses.replace(again.config, seed=0) == hard.config


def test_temperature_and_seed_of_the_config_files_are_those_of_the_grid():
    for name in grid.SETS:
        found = read_settings(grid.CONFIGS / f"{name}.yaml").values
        assert (found["temperature"], found["seed"]) == (grid.TEMPERATURE, grid.SEED)


def test_epochs_of_the_config_files_are_those_of_the_grid():
    for file in grid.CONFIGS.glob("*.yaml"):
        ordering = file.stem == "orderings"
        expected = grid.ORDERING_EPOCHS if ordering else grid.COLLAPSE_EPOCHS
        assert read_settings(file).values["epochs"] == expected


def test_the_committed_results_are_trials_of_the_grid():
    names = command.names_with_results(command.BENCHMARK.results)
    assert names <= {point.name for point in grid.grid()}


@pytest.mark.slow
def test_a_grid_on_mutag_gives_results_figures_and_a_page_and_goes_on(tmp_path):
    folder, found, docs = TrialFolder(tmp_path / "t"), tmp_path / "results", tmp_path / "docs"
    points = [point for point in grid.quick_grid() if "none" not in point.name][:7]
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
    command.write(folder, found, docs, points[:6])
    text = (docs / "collapse.md").read_text(encoding="utf-8")
    assert "MUTAG: 2 classes" in text
    assert "| MUTAG | H-SCL | 5 | 0.167 |" in text
    drawn = {path.stem for path in (docs / "figures").glob("*.svg")}
    assert drawn == both(set(command.CAPTIONS) - {"collapse-long"})
    assert not command.stale(found, docs, points[:6])
    assert "not trained: none" in text
    assert command.stale(found, docs, grid.quick_grid())
    # Results stay when the trials that gave them are gone.
    command.write(TrialFolder(tmp_path / "empty"), found, docs, points[:6])
    assert (docs / "collapse.md").read_text(encoding="utf-8") == text
    (docs / "collapse.md").write_text(text.replace("**holds**", "**partly**"), encoding="utf-8")
    assert command.stale(found, docs, points[:6])


def test_the_committed_page_is_what_the_committed_results_give():
    assert not command.stale(command.BENCHMARK.results, ROOT / "docs", grid.grid())


def both(names) -> set[str]:
    return {f"{name}-{theme}" for name in names for theme in THEMES}


def test_no_name_in_the_committed_figures_is_shortened():
    files = list((ROOT / "docs" / "figures").glob("collapse-*.svg"))
    assert {file.stem for file in files} == both(command.CAPTIONS)
    assert not [file.stem for file in files if "…" in file.read_text(encoding="utf-8")]
