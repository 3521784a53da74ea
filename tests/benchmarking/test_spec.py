"""Benchmark files: what they mean, and what is refused in one sentence."""

import json
from pathlib import Path

import pytest
import yaml

from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.trials import expand
from graph_hcl.errors import UserError
from graph_hcl.yaml_text import write_yaml

METHOD = {"ucl": {"settings": {"objective": "ucl"}}}


def write(folder: Path, **fields) -> Path:
    file = folder / "bench.yaml"
    file.write_text(
        write_yaml({"datasets": ["MUTAG"], "methods": METHOD} | fields), encoding="utf-8"
    )
    return file


def test_later_layers_win(tmp_path: Path) -> None:
    (tmp_path / "preset.yaml").write_text(
        "{objective: h-ucl, epochs: 7, batch_size: 32, readout: mean}",
        encoding="utf-8",
    )
    method = {
        "config": "preset.yaml",
        "settings": {"batch_size": 16, "encoder": {"jk": "last"}},
        "grid": {"beta": [0.1, 0.2], "projection.dim": [8, 9]},
    }
    common = {"epochs": 3, "hidden": 8, "beta": 9.0}
    spec = read_benchmark(write(tmp_path, methods={"m": method}, common=common, seed=4))
    found = list(spec.configs("m", "MUTAG", "transductive"))
    assert [point for point, _ in found] == [
        {"beta": 0.1, "projection.dim": 8},
        {"beta": 0.1, "projection.dim": 9},
        {"beta": 0.2, "projection.dim": 8},
        {"beta": 0.2, "projection.dim": 9},
    ]
    config = found[-1][1]
    assert (config.hidden, config.epochs, config.batch_size) == (8, 7, 16)
    assert (config.readout, config.encoder.jk) == ("mean", "last")
    assert (config.beta, config.projection.dim, config.seed) == (0.2, 9, 4)


def test_a_group_of_settings_can_be_one_choice(tmp_path: Path) -> None:
    method = {
        "settings": {"objective": "ucl"},
        "grid": {"encoder": [{"jk": "last"}, {"jk": "max"}]},
    }
    spec = read_benchmark(write(tmp_path, methods={"m": method}))
    found = [config.encoder.jk for _, config in spec.configs("m", "MUTAG", "transductive")]
    assert found == ["last", "max"]


def test_each_method_gets_as_many_candidates(tmp_path: Path) -> None:
    methods = {
        "bag": {"baseline": "bag"},
        "untrained": {"settings": {"objective": "ucl"}, "epochs": [0]},
        "ucl": {"settings": {"objective": "ucl"}, "epochs": [1, 2]},
        "h-ucl": {"grid": {"beta": [0.1, 0.2]}, "epochs": [1, 2]},
    }
    trials = expand(read_benchmark(write(tmp_path, methods=methods, candidates=4)))
    found = {
        name: [trial for trial in trials if trial.method == name for _ in trial.epochs]
        for name in methods
    }
    assert {name: len(own) for name, own in found.items()} == {
        "bag": 1,
        "untrained": 4,
        "ucl": 4,
        "h-ucl": 4,
    }
    assert [trial.config.restart for trial in found["untrained"]] == [0, 1, 2, 3]
    assert [trial.config.restart for trial in found["ucl"]] == [0, 0, 1, 1]
    assert [trial.config.beta for trial in found["h-ucl"]] == [0.1, 0.1, 0.2, 0.2]
    assert len({trial.name for trial in trials}) == len(trials)
    # The first draw of the weights is that of a benchmark without a number of candidates.
    alone = expand(read_benchmark(write(tmp_path, methods=methods)))
    assert {trial.name for trial in alone} < {trial.name for trial in trials}


def test_candidates_must_fit_the_settings_of_each_method(tmp_path: Path) -> None:
    methods = {"h-ucl": {"grid": {"beta": [0.1, 0.2]}, "epochs": [1, 2]}}
    spec = read_benchmark(write(tmp_path, methods=methods, candidates=6))
    with pytest.raises(UserError, match="multiple of the 4 settings and epochs of the method"):
        expand(spec)
    with pytest.raises(UserError, match="candidates of 1 or more"):
        read_benchmark(write(tmp_path, methods=methods, candidates=0))


def test_settings_name_the_sets_or_the_benchmark_that_chose_them(tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.yaml"
    chosen.write_text(
        yaml.safe_dump({"datasets": ["PTC_MR", "NCI1"], "methods": METHOD, "development": True}),
        encoding="utf-8",
    )
    methods = {
        "list": METHOD["ucl"] | {"selected_on": ["nci1"]},
        "file": METHOD["ucl"] | {"selected_on": "chosen.yaml"},
        "none": METHOD["ucl"],
    }
    trials = expand(read_benchmark(write(tmp_path, methods=methods)))
    assert {trial.method: trial.selected_on for trial in trials} == {
        "list": ("NCI1",),
        "file": ("PTC_MR", "NCI1"),
        "none": (),
    }
    assert len({trial.name for trial in trials}) == 1  # it is no part of what is computed
    for wrong in ("absent.yaml", 3):
        with pytest.raises(UserError, match="selected_on"):
            read_benchmark(write(tmp_path, methods={"m": METHOD["ucl"] | {"selected_on": wrong}}))


COMMITTED = sorted((Path(__file__).parents[2] / "configs" / "benchmark").glob("*.yaml"))
CHOOSES = "development"


@pytest.mark.parametrize("file", [file for file in COMMITTED if file.stem != CHOOSES], ids=str)
def test_development_sets_stand_in_no_other_benchmark(file: Path) -> None:
    development = read_benchmark(file.with_name(f"{CHOOSES}.yaml"))
    spec = read_benchmark(file)
    assert development.development
    assert not set(spec.datasets) & set(development.datasets)
    assert spec.candidates is not None  # so all encoders of a table have as many


def test_fixed_folds_are_found_by_data_set(tmp_path: Path) -> None:
    (tmp_path / "PROTEINS_full_splits.json").write_text(json.dumps([]), encoding="utf-8")
    spec = read_benchmark(write(tmp_path, datasets=["PROTEINS", "MUTAG"]), splits=str(tmp_path))
    ((_, config),) = spec.configs("ucl", "PROTEINS", "inductive")
    assert config.probe.splits == str(tmp_path / "PROTEINS_full_splits.json")
    ((_, config),) = spec.configs("ucl", "PROTEINS", "transductive")
    assert config.probe.splits is None
    lost = read_benchmark(write(tmp_path, datasets=["PROTEINS"], fixed_folds=True))
    with pytest.raises(UserError, match="--splits"):
        list(lost.configs("ucl", "PROTEINS", "inductive"))
    assert list(lost.configs("ucl", "PROTEINS", "transductive"))
    with pytest.raises(UserError, match=r"fixed folds of MUTAG at .*MUTAG_splits\.json"):
        list(spec.configs("ucl", "MUTAG", "inductive"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dataset": ["MUTAG"]}, "Unknown field 'dataset' .* Did you mean datasets?"),
        ({"methods": {}}, "at least one method"),
        ({"methods": {"a": 3}}, "method 'a' to have config"),
        (
            {"methods": {"a": {"control": "bag"}}},
            "'control' is now 'baseline': rename it in .* 'a'",
        ),
        ({"methods": {"a": {"baseline": "bag", "measure": "a:b"}}}, "a baseline or measure"),
        ({"methods": {"a": {"setting": {}}}}, "Unknown field 'setting' in the method 'a'"),
        ({"methods": {"a": {"grid": {"beta": 1}}}}, "list of values for 'beta'"),
        ({"datasets": []}, "list of data sets"),
        ({"compare": [["ucl", "typo"]]}, "pairs of methods"),
        ({"protocols": ["official"]}, "protocols of transductive, inductive"),
        ({"protocols": []}, "list of protocols in .*, under 'protocols'"),
        ({"name": ""}, "Expected a name in .*, under 'name', but got ''"),
        (
            {"methods": {"a": {"tune": {"trials": 4}}}},
            "tune of the method 'a' to have 'space', but",
        ),
        ({"methods": {"a": {"tune": 4}}}, "'a' to be a mapping of trials and space, but got 4"),
        (
            {"methods": {"a": {"tune": {"trials": 4, "space": {"beto": [1, 2]}}}}},
            "Unknown setting beto in tune of the method 'a'. Did you mean beta",
        ),
        (
            {"methods": {"a": {"grid": {"beta": [1]}, "tune": {"trials": 1, "space": {}}}}},
            "a grid or tune",
        ),
    ],
)
def test_mistakes_are_told_in_one_sentence(tmp_path: Path, fields, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_benchmark(write(tmp_path, **fields))


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ({"settings": {"batchsize": 3}}, "method 'a': .*batchsize"),
        ({"settings": {"epochs": "many"}}, "method 'a': .*epochs"),
        ({"config": "none.yaml"}, "expected a config file"),
        ({"settings": {"hidden": 0}}, "--hidden to be 1 or more"),
    ],
)
def test_mistaken_settings_name_their_method(tmp_path: Path, method, sentence: str) -> None:
    spec = read_benchmark(write(tmp_path, methods={"a": method}))
    with pytest.raises(UserError, match=sentence):
        list(spec.configs("a", "MUTAG", "transductive"))


@pytest.mark.parametrize("text", ["- 1", "{a: [", "\x00", "!!python/object/apply:os.getcwd []"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError):
        read_benchmark(file)
    with pytest.raises(UserError, match="Cannot read"):
        read_benchmark(tmp_path / "absent.yaml")


def test_tuned_points_are_drawn_once_and_for_all(tmp_path: Path) -> None:
    space = {
        "beta": {"low": 0.0, "high": 1.0},
        "lr": {"low": 1e-4, "high": 1e-1, "log": True},
        "hidden": {"low": 8, "high": 64},
        "readout": ["sum", "mean"],
    }
    method = {"settings": {"objective": "h-ucl"}, "tune": {"trials": 8, "space": space}}
    spec = read_benchmark(write(tmp_path, methods={"m": method}))
    first = [config for _, config in spec.configs("m", "MUTAG", "transductive")]
    assert first == [config for _, config in spec.configs("m", "MUTAG", "transductive")]
    assert len({config.beta for config in first}) == 8
    assert all(0 <= c.beta <= 1 and 1e-4 <= c.lr <= 0.1 for c in first)
    assert sum(c.lr < 10**-2.5 for c in first) in range(2, 7)  # even in the logarithm
    assert {c.readout for c in first} == {"sum", "mean"}


def test_capitals_do_not_matter(tmp_path: Path) -> None:
    def names(dataset: str, objective: str, baseline: str) -> set[str]:
        methods = {"a": {"settings": {"objective": objective}}, "b": {"baseline": baseline}}
        return {
            trial.name
            for trial in expand(
                read_benchmark(write(tmp_path, datasets=[dataset], methods=methods))
            )
        }

    assert names("mutag", "UCL", "Bag") == names("MUTAG", "ucl", "bag")


def test_capitals_of_protocols_do_not_matter(tmp_path: Path) -> None:
    spec = read_benchmark(write(tmp_path, protocols=["Inductive", "TRANSDUCTIVE"]))
    assert spec.protocols == ["inductive", "transductive"]
    with pytest.raises(UserError, match=r"different protocols .* got 'inductive' twice"):
        read_benchmark(write(tmp_path, protocols=["Inductive", "inductive"]))


def test_the_folder_is_no_field(tmp_path: Path) -> None:
    file = write(tmp_path)
    file.write_text(f"folder: here\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    with pytest.raises(UserError, match=r"Unknown field 'folder' in .*: give the command --out"):
        read_benchmark(file)


def test_no_pairs_are_not_all_pairs(tmp_path: Path) -> None:
    assert read_benchmark(write(tmp_path)).compare is None
    assert read_benchmark(write(tmp_path, compare=[])).compare == []


def test_former_names_of_settings_are_told(tmp_path: Path) -> None:
    spec = read_benchmark(write(tmp_path, common={"encoder": {"readout": "mean"}}))
    with pytest.raises(UserError, match=r"encoder\.readout is now readout: rename it in common"):
        list(spec.configs("ucl", "MUTAG", "transductive"))


METHODS = {"ucl": {"settings": {"objective": "ucl"}}, "h": {"settings": {"objective": "h-ucl"}}}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"compare": [["ucl", "h"], ["h", "ucl"]]}, "each pair once .* got 'h' and 'ucl' twice"),
        ({"compare": [["ucl", "h"], ["ucl", "h"]]}, "each pair once .* leave one out"),
        ({"compare": [["ucl", "ucl"]]}, r"two different ones, but got \['ucl', 'ucl'\]"),
        ({"datasets": ["MUTAG", "NCI1", "mutag"]}, "different data sets .* got 'MUTAG' twice"),
        ({"protocols": ["inductive", "inductive"]}, "different protocols .* got 'inductive' twice"),
    ],
)
def test_what_is_given_twice_is_refused(tmp_path: Path, fields, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_benchmark(write(tmp_path, methods=METHODS, **fields))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"datasets": [5]}, r"a list of data sets such as \[MUTAG, NCI1\], but got \[5\]"),
        ({"datasets": {"MUTAG": 1}}, "a list of data sets such as"),
        ({"protocols": 3}, r"a list of protocols such as \[transductive\], but got 3"),
        ({"compare": 3}, "a list of pairs of methods such as"),
        ({"methods": {"a": {"epochs": 5}}}, r"a list of epochs such as \[20, 40\], but got 5"),
        ({"methods": {"a": {"selected_on": 5}}}, "a list of data sets such as"),
        ({"methods": ["UCL"]}, r"'methods' of .* to be a mapping .*, but got \['UCL'\]"),
        ({"methods": "UCL"}, "'methods' of .* to be a mapping"),
    ],
)
def test_the_example_is_of_the_field(tmp_path: Path, fields, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_benchmark(write(tmp_path, **fields))


def test_what_names_the_folder_of_missing_folds_is_told(tmp_path: Path) -> None:
    spec = read_benchmark(write(tmp_path), otherwise=str(tmp_path))
    with pytest.raises(UserError, match=r"add it, or change what .* or \$GRAPH_HCL_SPLITS\)"):
        list(spec.configs("ucl", "MUTAG", "inductive"))


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (
            {"objective": ["scl", "ucl"]},
            "'a' to read labels or none, .* but objective=scl does and others do not: make it a",
        ),
        (
            {"batch_size": [16, 32], "objective": ["ucl", "scl"]},
            "but .*objective=scl does and others do not",
        ),
        (
            {"lr": ["1e-3", 0.001]},
            "'a', but lr=1e-3 and lr=0.001 are the same on MUTAG: leave one of them",
        ),
        ({"beta": [None, 1.0]}, "'a', but beta=None and beta=1.0 are the same"),
        ({"probe.name": [None, "svm"]}, "but probe.name=None and probe.name=svm are the same on"),
        ({"data.standardize": [True, False]}, "=True and data.standardize=False are the same on"),
    ],
)
def test_no_candidate_is_lost_without_a_word(tmp_path: Path, grid, sentence: str) -> None:
    protocols = ["transductive"]
    spec = read_benchmark(write(tmp_path, methods={"a": {"grid": grid}}, protocols=protocols))
    with pytest.raises(UserError, match=sentence):
        expand(spec)


def test_candidates_that_all_read_labels_are_of_the_inductive_protocol(tmp_path: Path) -> None:
    methods = {"a": {"grid": {"objective": ["ucl", "scl"]}}}
    spec = read_benchmark(write(tmp_path, methods=methods, protocols=["inductive"]))
    assert len({trial.name for trial in expand(spec)}) == 2 * spec.repeats
