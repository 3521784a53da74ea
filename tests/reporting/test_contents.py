"""Which figures and tables show a run, and several beside each other."""

import dataclasses

import numpy as np
import pytest

from graph_hcl.probes.statistics import corrected_t_test, p_text
from graph_hcl.reporting import RunSummary, figures, read_run, tables

ALWAYS = {"folds-class-mean", "confusion-class-mean", "similarities", "spectra", "map"}
LOGGED = {"loss", "losses", "orderings", "temperature", "collapse", "class-mean", "rank", "spread"}

INCOMPARABLE = "Not comparable, because data, targets, protocol, folds or metrics differ: "


def test_every_kind_of_run_has_its_figures(any_run, run) -> None:
    name = any_run
    found = read_run(run(name), name)
    drawn = [
        *figures.scores(found),
        *figures.training(found),
        *figures.collapse(found),
        *figures.space(found, "pca"),
    ]
    names = [drawing.name for drawing in drawn]
    assert len(names) == len(set(names))
    logged = {"blind": {"loss"}, "none": set()}.get(name, LOGGED)
    if getattr(found.contrast, "hardening", None) is None or found.contrast.nodes:
        logged = logged - {"temperature"}
    assert set(names) == ALWAYS | logged
    assert all(drawing.caption.endswith(".") for drawing in drawn)
    assert ("diagnosis was logged" in tables.status_notes(found)) == (name in ("blind", "none"))
    levels = [line.get_label() for d in drawn if d.name == "losses" for line in d.ax.lines]
    assert ("floor of SCL, H-SCL" in levels) == (name not in ("info", "blind", "none"))
    (similar,) = [d.ax for d in drawn if d.name == "similarities"]
    outlined = [p.get_label() for p in similar.patches if "weight" in p.get_label()]
    assert len(outlined) == (1 if name in ("hscl", "one-view") else 2)


def test_runs_on_the_same_folds_are_tested_against_the_first(run, read_page) -> None:
    runs = [read_run(run(name), name) for name in ("hucl", "threshold", "hscl")]
    first, second = (one.results["class-mean"].trained.folds for one in runs[:2])
    ratio = np.mean([len(fold.test) / fold.train for fold in first])
    found = corrected_t_test(
        [fold.scores["accuracy"] for fold in second],
        [fold.scores["accuracy"] for fold in first],
        test_to_train=float(ratio),
    )
    low, high = (f"{100 * end:+.2f}" for end in found.interval)
    told = f"{100 * found.difference:+.2f} [{low} … {high}]".replace("-", "−")
    page = read_page(tables.differences(runs))
    assert f"threshold − huclclass-meanaccuracy{told}{p_text(found.p_value)}" in page.text
    told = f"{INCOMPARABLE}hscl (probe class-mean) and hucl."
    assert told in page.text
    assert "loss.hardeningexponentialthreshold" in read_page(tables.settings_diff(runs[:2])).text
    assert tables.differences(runs[:1]) == tables.settings_diff(runs[:1]) == ""


def changed(one: RunSummary, change) -> RunSummary:
    """Return a run under another name whose trained folds are changed."""
    comparison = one.results["class-mean"]
    folds = [change(fold) for fold in comparison.trained.folds]
    trained = dataclasses.replace(comparison.trained, folds=folds)
    results = {"class-mean": dataclasses.replace(comparison, trained=trained)}
    return dataclasses.replace(one, name="changed", results=results)


def test_runs_on_other_labels_of_the_same_graphs_are_not_comparable(run, read_page) -> None:
    one = read_run(run("hucl"), "hucl")
    other = changed(
        one, lambda fold: dataclasses.replace(fold, labels=[1 - k for k in fold.labels])
    )
    told = f"{INCOMPARABLE}changed (probe class-mean)"
    assert told in read_page(tables.differences([one, other])).text


def test_a_difference_that_is_the_same_in_all_folds_has_no_interval(run, read_page) -> None:
    """But for accuracies, of which one graph is the least step."""
    one = read_run(run("hucl"), "hucl")
    page = read_page(tables.differences([one, changed(one, lambda fold: fold)]))
    assert "accuracy+0.00 [−" in page.text
    one = changed(one, lambda fold: dataclasses.replace(fold, scores={"macro_f1": 0.5}))
    page = read_page(tables.differences([one, changed(one, lambda fold: fold)]))
    assert "+0.00, the same in all folds11" in page.text
    assert "inf" not in page.text


def test_an_option_that_one_run_alone_has_stands_among_the_differences(run, read_page) -> None:
    one = read_run(run("hucl"), "one")
    given = {"hardening": "effective-sample-size", "hardening_options": {"share": 0.5}}
    loss = dataclasses.replace(one.config.loss, **given)
    other = dataclasses.replace(one, config=dataclasses.replace(one.config, loss=loss))
    for pair, told in (([one, other], "–0.5"), ([other, one], "0.5–")):
        assert f"loss.hardening_options.share{told}" in read_page(tables.settings_diff(pair)).text


def test_curves_of_several_runs_stand_together(run) -> None:
    runs = [read_run(run(name), name) for name in ("hucl", "hscl")]
    drawn = {drawing.name: drawing.ax for drawing in figures.side_by_side(runs)}
    for key in ("loss", "h-scl", "assumption-1", "effective-rank", "within-class"):
        names = [line.get_label() for line in drawn[key].lines]
        assert names == ["hucl", "hscl"]
    line = drawn["h-scl"].lines[0]
    logged = [record["h-scl"] for record in runs[0].records]
    assert line.get_ydata().tolist() == pytest.approx(logged)
