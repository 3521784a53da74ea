"""What the end of a benchmark would refuse is refused before its first trial."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml

from graph_hcl.__main__ import main
from graph_hcl.benchmarking.checks import check_settings, check_trials
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.trials import expand
from graph_hcl.errors import UserError

SMALL = {"hidden": 4, "layers": 1, "epochs": 1, "probe": {"folds": 3, "name": "logistic"}}
CLASS_MEAN = SMALL | {"probe": {"folds": 3, "name": "class-mean"}}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return what a benchmark says; fail where it ran a trial."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRAPH_HCL_SPLITS", raising=False)

    def say(common: dict | None = None, **method) -> str:
        fields = {name: method.pop(name) for name in ("development", "threads") if name in method}
        objective = {} if "baseline" in method else {"objective": "ucl"}
        settings = objective | method.pop("settings", {})
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
        (
            {"baseline": "majority", "grid": {"data.node_attributes": [True, False]}},
            "but majority gives none",
        ),
    ],
)
def test_a_probe_that_selects_nothing(run, method: dict, sentence: str) -> None:
    assert sentence in run(CLASS_MEAN, **method)


@pytest.mark.parametrize("setting", ["probe.folds", "probe.draws", "data.labels", "metric"])
def test_candidates_of_different_folds(run, setting: str) -> None:
    assert "'mine' with validation scores that compare" in run(grid={setting: [3, 4]})


@pytest.mark.parametrize("values", [{"device": ["cpu", "auto"]}, {"probe": [{"jobs": 1}]}])
def test_candidates_in_what_does_not_affect_results(run, values: dict) -> None:
    sentence = "candidates of 'mine' that differ in their results, but {} does not affect them: put"
    name = "probe.jobs" if "probe" in values else "device"
    assert sentence.format(name) in run(SMALL | {"probe": {"folds": 3}}, grid=values)
    tune = {"trials": 1, "space": values}
    assert sentence.format(name) in run(SMALL | {"probe": {"folds": 3}}, tune=tune)


def test_a_set_that_settings_were_chosen_on_is_known_or_of_the_file(tmp_path: Path) -> None:
    def told(names: list[str], dataset: str = "MUTAG") -> list[str]:
        method = {"settings": {"objective": "ucl"}, "selected_on": names}
        fields = {"datasets": [dataset], "methods": {"mine": method}}
        (tmp_path / "b.yaml").write_text(yaml.safe_dump(fields), encoding="utf-8")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            check_settings(read_benchmark(tmp_path / "b.yaml"))
        return [str(one.message) for one in said]

    assert told(["mutag", "NCI1", "ogbg-molhiv", "mine.csv", "my.sets:rings"]) == []
    assert told(["Rings"], "Rings") == []
    (warning,) = told(["MUTAGG"])
    assert warning.startswith("selected_on of the method 'mine' names MUTAGG, which is no known ")
    assert warning.endswith("marks no score. Did you mean MUTAG?")


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


def test_a_dry_run_refuses_what_the_run_would(run, capsys) -> None:
    wrong = {"backbone": "gni"}
    said = run(settings=wrong)
    assert main(["benchmark", "b.yaml", "--dry-run"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", said)
    run(settings={"device": "cuda:99"})
    assert main(["benchmark", "b.yaml", "--dry-run"]) == 0  # the trials may run elsewhere


def test_epochs_twice_and_too_many_threads(run) -> None:
    assert "Expected epochs of 'mine' once" in run(grid={"epochs": [1, 2]}, epochs=[1])
    assert "Expected threads of 1 to 1,024" in run(threads=100_000)


@pytest.mark.parametrize(
    ("method", "setting", "places"),
    [
        ({"settings": {"epochs": 9}, "epochs": [1, 2]}, "epochs", "its settings and its epochs"),
        ({"settings": {"lr": 9}, "grid": {"lr": [1]}}, "lr", "its settings and its candidates"),
        (
            {"settings": {"encoder": {"jk": "max"}}, "grid": {"encoder": [{"jk": "last"}]}},
            "encoder.jk",
            "its settings and its candidates",
        ),
        (
            {"settings": {"lr": 9}, "tune": {"trials": 1, "space": {"lr": {"low": 1, "high": 2}}}},
            "lr",
            "its settings and its candidates",
        ),
    ],
)
def test_a_setting_in_two_places_of_a_method(run, method, setting, places) -> None:
    assert f"Expected {setting} of 'mine' once, but got it among {places}: " in run(**method)


def test_a_setting_in_two_spellings_and_a_key_twice(run) -> None:
    spellings = {"probe": "svm", "probe.name": "knn"}
    assert "Expected probe.name once, but got it twice, in two spellings" in run(settings=spellings)
    Path("b.yaml").write_text("datasets: [MUTAG]\ndatasets: [NCI1]\n", encoding="utf-8")
    with pytest.raises(UserError, match="it gives the key datasets twice, line 2"):
        read_benchmark("b.yaml")


def test_a_group_among_the_candidates_hides_no_setting(run) -> None:
    assert "but they differ in probe.folds" in run(grid={"probe": [{"folds": 3}, {"folds": 4}]})


def test_equal_candidates(run) -> None:
    sentence = "of 'lr' in the grid of the method 'mine', but got 0.1 twice"
    assert sentence in run(grid={"lr": [0.1, 0.1]})


def test_fixed_folds_in_two_places(tmp_path) -> None:
    """A flag overrides the file, and this the environment; a setting of the same is refused."""
    for place in ("flag", "file", "environment"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "MUTAG_splits.json").write_text("[]", encoding="utf-8")
    flag, file, environment = (str(tmp_path / place) for place in ("flag", "file", "environment"))
    methods = {"mine": {"settings": {"objective": "ucl"}}}
    spec = {"datasets": ["MUTAG"], "protocols": ["inductive"], "methods": methods}

    def splits(*more: str | None, **fields: object) -> str | None:
        (tmp_path / "b.yaml").write_text(yaml.safe_dump(spec | fields), encoding="utf-8")
        (trial,) = expand(read_benchmark(tmp_path / "b.yaml", *more))
        return trial.config.probe.splits

    assert splits() is None
    assert splits(None, environment) == f"{environment}/MUTAG_splits.json"
    assert splits(None, environment, splits=file) == f"{file}/MUTAG_splits.json"
    assert splits(flag, environment, splits=file) == f"{flag}/MUTAG_splits.json"
    with pytest.raises(UserError, match=r"its fixed folds once, but got probe.splits official and"):
        splits(None, environment, common={"probe": {"splits": "official"}})


@pytest.mark.parametrize(
    ("method", "setting"),
    [
        ({"epochs": [1]}, "epochs among its epochs"),
        ({"settings": {"lr": 1}}, "lr among its settings"),
        ({"grid": {"encoder.jk": ["last"]}}, "encoder.jk among its candidates"),
    ],
)
def test_training_of_a_baseline(run, method, setting) -> None:
    said = run(baseline="bag", **method)
    assert "settings of data and probe alone for the baseline bag of 'mine'" in said
    assert f"but got {setting}: " in said


def test_one_candidate_needs_no_validation_scores(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    method = {"settings": {"objective": "ucl"}, "grid": {"lr": [0.1]}, "epochs": [1]}
    spec = {"datasets": ["MUTAG"], "common": CLASS_MEAN, "methods": {"mine": method}}
    Path("b.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    assert main(["benchmark", "b.yaml", "--dry-run"]) == 0
    check_trials(expand(read_benchmark("b.yaml")))


OWN_PROBE = """
import numpy as np
from graph_hcl.probes import ProbeResult

def first(given):
    return ProbeResult(np.full(len(given.x_test), given.y_train[0]))
"""


def own_probe(folder: Path) -> dict[str, str]:
    """Write a benchmark of nine candidates and a probe of one's own; return an environment."""
    (folder / "firstclass.py").write_text(OWN_PROBE, encoding="utf-8")
    common = SMALL | {"probe": {"folds": 2, "name": "firstclass:first"}}
    method = {"settings": {"objective": "ucl"}, "grid": {"lr": [0.1, 0.2, 0.3]}}
    spec = {"datasets": ["MUTAG"], "common": common, "methods": {"mine": method}, "repeats": 3}
    (folder / "b.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    path = os.pathsep.join((str(folder), str(Path(__file__).parents[2])))
    return os.environ | {"PYTHONPATH": path}


NO_SCORE = "several candidates, but firstclass:first gives none: choose another probe"


def test_an_unmarked_probe_stops_after_the_first_trial(tmp_path, monkeypatch, capsys) -> None:
    own_probe(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for _ in range(2):  # the second one trains nothing more
        assert main(["benchmark", "b.yaml"]) == 2
        assert NO_SCORE in capsys.readouterr().err
        assert len(list(Path("runs/b/trials").glob("*.json"))) == 1


def test_processes_stop_together_and_say_everything_once(tmp_path) -> None:
    command = [sys.executable, "-m", "graph_hcl.benchmark", "b.yaml", "--jobs", "2"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=own_probe(tmp_path), capture_output=True, text=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert 1 <= len(list(tmp_path.glob("runs/b/trials/*.json"))) <= 4
    assert ran.stderr.count("warning: Not read in this run: edge_attr") == 1
    assert ran.stderr.count("error: ") == ran.stderr.count(NO_SCORE) == 1


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
