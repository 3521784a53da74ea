"""The grid of benchmarks/collapse.py end to end on MUTAG, and its verdicts on made-up columns."""

import doctest
import json
import sys
from pathlib import Path

import pytest
import torch

from graph_hcl import geometry

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def scripts_on_the_path(monkeypatch):
    """Scripts import their neighbours, as when they are run."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    for name in [name for name in sys.modules if name.startswith("collapse")]:
        monkeypatch.delitem(sys.modules, name)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)  # a grid takes one thread a process


def cell(beta, live, angle, *, normalize="ball", negatives="label", classes=5, scl=0.6, **more):
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


def verdicts(*cells):
    from collapse_verdicts import collapse_verdicts

    return [verdict.verdict for verdict in collapse_verdicts(cells)]


def test_a_reached_simplex_and_a_collapse_without_hard_negatives_hold():
    for negatives, place in (("label", 2), ("all", 3)):
        found = verdicts(
            cell(0, 1, 0.5, negatives=negatives),
            cell(5, 4, 0.01, negatives=negatives),
            cell(5, 1, 0.5, normalize="none", negatives=negatives),
        )
        assert found[:2] == ["holds", "holds"]
        assert found[place] == "holds"
        assert found[5 - place] == "not measured"
        assert found[5:] == ["holds", "holds"]


def test_coming_nearer_is_a_part_and_staying_away_is_none():
    assert verdicts(cell(0, 1, 0.5), cell(5, 3, 0.2))[2] == "partly"
    assert verdicts(cell(0, 3, 0.2), cell(5, 1, 0.5))[2] == "does not hold"
    # More dimensions at worse angles are not nearer.
    assert verdicts(cell(0, 1, 0.2), cell(5, 4, 0.5))[2] == "does not hold"


def test_a_simplex_without_hardness_or_normalisation_refutes_the_collapse():
    found = verdicts(cell(0, 4, 0.01), cell(5, 4, 0.01, normalize="none"))
    assert found[5:] == ["does not hold", "does not hold"]
    assert verdicts(cell(0, 3, 0.2))[5] == "partly"


def test_cells_without_normalisation_are_compared_with_their_twins_in_the_ball():
    from collapse_verdicts import collapse_verdicts

    cells = [
        cell(5, 3, 0.1), cell(5, 1, 0.5, normalize="none"),
        cell(2, 3, 0.4), cell(2, 1, 0.3, normalize="none"),
        cell(9, 1, 0.5, normalize="none"),
    ]  # fmt: skip
    assert "more equal angles in 1 of 2 cells." in list(collapse_verdicts(cells))[-1].reason


def test_the_hardness_suits_where_the_middle_one_is_best():
    assert verdicts(cell(0, 1, 0.5), cell(5, 3, 0.2), cell(30, 3, 0.3))[4] == "holds"
    assert verdicts(cell(0, 1, 0.5), cell(5, 3, 0.2), cell(30, 3, 0.1))[4] == "does not hold"
    assert verdicts(cell(0, 1, 0.5), cell(5, 3, 0.2))[4] == "not measured"


def test_one_data_set_of_two_is_a_part():
    other = [cell(0, 1, 0.5, dataset="B"), cell(5, 1, 0.6, dataset="B")]
    assert verdicts(cell(0, 1, 0.5), cell(5, 4, 0.01), *other)[2] == "partly"


def test_losses_below_the_floor_and_below_the_plain_ones_are_found():
    assert verdicts(cell(5, 4, 0.01, scl=0.2))[0] == "does not hold"
    # Without normalisation there is no floor.
    assert verdicts(cell(5, 4, 0.01, scl=0.2, normalize="none"))[0] == "not measured"
    broken = cell(5, 4, 0.01)
    broken["held_out"] = broken["held_out"] | {"h-scl": [0.7, 0.5]}
    assert verdicts(broken)[1] == "does not hold"


def test_a_cell_that_diverged_is_no_evidence():
    assert verdicts(cell(5, 4, 0.01, scl=0.2, stopped="The loss became nan."))[0] == "not measured"


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
    from collapse_orderings import ordering_verdicts

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
    from collapse_orderings import anchors_in_order

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
    from collapse_figures import longer
    from collapse_results import usual

    cells = [cell(beta, 1, 0.5) for beta in (0, 2, 5)]
    long, wide = cell(5, 3, 0.1, epochs=40), cell(5, 2, 0.3, epochs=40, batch_size=20)
    main, others = usual([*cells, long, wide])
    assert (main, others) == (cells, [long, wide])
    assert longer(main, others) == [long]


def test_looks_are_early_regular_and_last():
    from collapse import looks

    assert looks(50, 20) == [0, 5, 10, 20, 40, 50]
    assert looks(2, 20) == [0, 2]


def test_the_examples_in_the_docstrings_are_right():
    import collapse
    import collapse_page
    import collapse_results
    import collapse_verdicts

    modules = collapse, collapse_page, collapse_results, collapse_verdicts
    found = [doctest.testmod(module) for module in modules]
    assert all(result.attempted and not result.failed for result in found)


def test_every_cell_is_named_by_its_settings_and_has_a_config():
    from collapse_cells import grid

    cells = grid()
    assert len({cell.name for cell in cells}) == len(cells) == 4 * 5 * 3 * 2 + 7 * 10 + 4 * 4 + 5
    assert all(Path(cell.argv[1]).exists() for cell in cells)


def test_a_grid_on_mutag_gives_results_figures_and_a_page_and_goes_on(tmp_path, monkeypatch):
    import collapse

    cells, results, docs = (tmp_path / name for name in ("cells", "results", "docs"))
    grid = [cell for cell in collapse.quick_grid() if "none" not in cell.name][:6]
    assert any(cell.name.startswith("orderings") for cell in grid)
    for cell in grid:
        assert collapse.work(cell, cells) == cell.name
    first = json.loads((cells / f"{grid[1].name}.json").read_text(encoding="utf-8"))
    assert [look["epoch"] for look in first["looks"]] == [0, 3]
    assert first["config"]["beta"] == 5.0
    assert len(first["epochs"]) == 3
    monkeypatch.setattr(collapse, "train", lambda cell: pytest.fail("trained again"))
    assert collapse.work(grid[0], cells) is None
    collapse.write(cells, results, docs, grid[:1])
    text = (docs / "collapse.md").read_text(encoding="utf-8")
    assert "MUTAG: 2 classes" in text
    drawn = {path.stem for path in (docs / "figures").glob("*.svg")}
    assert drawn == set(collapse.CAPTIONS) - {"collapse-long"}
    assert not collapse.stale(results, docs, grid[:1])
    assert "not trained: none" in text
    assert collapse.stale(results, docs, collapse.quick_grid())
    (docs / "collapse.md").write_text(text.replace("**holds**", "**partly**"), encoding="utf-8")
    assert collapse.stale(results, docs, grid[:1])


def test_the_committed_page_is_what_the_committed_results_give():
    import collapse

    assert not collapse.stale(collapse.RESULTS, collapse.DOCS, collapse.grid())
