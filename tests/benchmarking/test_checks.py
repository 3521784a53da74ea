"""What the end of a benchmark would refuse is refused before its first trial."""

import warnings
from pathlib import Path

import pytest
import yaml

from graph_hcl.__main__ import main

SMALL = {"hidden": 4, "layers": 1, "epochs": 1, "probe": {"folds": 3, "name": "logistic"}}
CLASS_MEAN = SMALL | {"probe": {"folds": 3, "name": "class-mean"}}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return what a benchmark says; fail where it ran a trial."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRAPH_HCL_SPLITS", raising=False)

    def say(common: dict | None = None, **method) -> str:
        fields = {name: method.pop(name) for name in ("development", "threads") if name in method}
        settings = {"objective": "ucl"} | method.pop("settings", {})
        methods = {"fine": {"baseline": "bag"}, "mine": {"settings": settings} | method}
        spec = {"datasets": ["MUTAG"], "common": common or SMALL, "methods": methods} | fields
        Path("b.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
        assert main(["benchmark", "b.yaml"]) == 2
        assert not Path("runs").exists()
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    return say


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ({"grid": {"lr": [0.1, 0.2]}}, "validation scores for several candidates, but class-mean"),
        ({"epochs": [1, 2]}, "validation scores for several candidates, but class-mean"),
        ({"development": True}, "validation scores for a table of validation scores"),
        ({"baseline": "majority", "grid": {"lr": [1, 2]}}, "but majority selects nothing"),
    ],
)
def test_a_probe_that_selects_nothing(run, method: dict, sentence: str) -> None:
    assert sentence in run(CLASS_MEAN, **method)


@pytest.mark.parametrize("setting", ["probe.folds", "probe.draws", "data.labels", "metric"])
def test_candidates_of_different_folds(run, setting: str) -> None:
    assert "'mine' with validation scores that compare" in run(grid={setting: [3, 4]})


@pytest.mark.parametrize("setting", ["dataset", "protocol", "seed", "repeats", "out"])
def test_settings_that_the_benchmark_decides(run, setting: str) -> None:
    sentence = f"Expected no setting {setting} in "
    assert f"{sentence}common" in run(SMALL | {setting: 1})
    assert f"{sentence}the settings of 'mine'" in run(settings={setting: 1})
    assert f"{sentence}the candidates of 'mine'" in run(grid={setting: [1, 2]})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"backbone": "gni"}, "Unknown backbone 'gni'"),
        ({"optimizer": "admm"}, "Unknown optimizer 'admm'"),
        ({"views": ["edge_drp(0.1)"]}, "Unknown augmentation 'edge_drp'"),
        ({"metric": "acuracy"}, "but got 'acuracy'. Did you mean accuracy?"),
        ({"probe": {"name": "logistc"}}, "Unknown probe 'logistc'"),
        ({"probe": {"name": "logistic", "options": {"z": 1}}}, "but got z."),
        ({"device": "cuda:99"}, "to be available, but got 'cuda:99' ("),
    ],
)
def test_names_of_one_method(run, settings: dict, sentence: str) -> None:
    said = run(settings=settings)
    assert sentence in said
    assert said.startswith("error: The method 'mine': ")


def test_epochs_twice_and_too_many_threads(run) -> None:
    assert "Expected the epochs of 'mine' once" in run(grid={"epochs": [1, 2]}, epochs=[1])
    assert "Expected threads of 1 to 1,024" in run(threads=100_000)


def test_what_only_graphs_tell_is_told_while_the_other_trials_run(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = {"datasets": ["MUTAG", "MUTGA"], "methods": {"bag": {"baseline": "bag"}}}
    Path("b.yaml").write_text(yaml.safe_dump(spec | {"common": SMALL}), encoding="utf-8")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert main(["benchmark", "b.yaml"]) == 2
    texts = [str(one.message) for one in told]
    assert [text for text in texts if text.startswith("MUTGA, bag: ")] != []
    said = capsys.readouterr()
    assert "1 of 2 trials are finished" in said.out
    assert said.err.splitlines()[-1].endswith(" The same command runs it again.")
    assert "?." not in said.err
