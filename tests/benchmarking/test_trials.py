"""A trial is identified by its settings, and measures what a run by hand measures."""

import dataclasses
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml

from graph_hcl import GraphContrast
from graph_hcl.benchmarking.estimate import estimate, raw_estimate
from graph_hcl.benchmarking.running import run_trial
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.trials import Trial, expand
from graph_hcl.config import Config, EncoderConfig, ProbeConfig
from graph_hcl.data import cards
from graph_hcl.experiment import make_experiment
from graph_hcl.probes import evaluate, inductive, stratified_folds
from graph_hcl.sealed import digest
from graph_hcl.training import embed

CONFIG = Config(
    dataset="MUTAG",
    objective="h-ucl",
    beta=0.5,
    hidden=8,
    layers=2,
    epochs=3,
    protocol="transductive",
    probe=ProbeConfig(folds=3, name="logistic"),
)


def trial(config: Config = CONFIG, epochs=(3,), **options) -> Trial:
    return Trial("MUTAG", "m", config.protocol, config, epochs, {}, **options)


@pytest.mark.parametrize(
    "changes",
    [
        {"out": "elsewhere"},
        {"mirror": "other"},
        {"device": "cpu"},
        {"diagnose": False},
        {"probe": ProbeConfig(folds=3, name="logistic", jobs=2)},
    ],
)
def test_the_name_does_not_say_where(changes) -> None:
    assert trial(dataclasses.replace(CONFIG, **changes)).name == trial().name


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"beta": 0.25},
        {"encoder": EncoderConfig(jk="last")},
        {"probe": ProbeConfig(folds=4, name="logistic")},
        {"probe": ProbeConfig(folds=3, inner=4, name="logistic")},
        {"dataset": "PROTEINS"},
    ],
)
def test_the_name_says_what(changes) -> None:
    assert trial(dataclasses.replace(CONFIG, **changes)).name != trial().name
    assert trial(epochs=(2, 3)).name != trial().name


def test_the_name_says_how_degrees_become_features(tmp_path: Path) -> None:
    assert "degrees" not in trial().key()  # MUTAG has labels
    social = Trial("COLLAB", "m", "transductive", CONFIG, (3,), {})
    before, again = social.name, dataclasses.replace(social)
    shipped = Path(__file__).parents[2] / "datasets" / "COLLAB.yaml"
    card = yaml.safe_load(shipped.read_text(encoding="utf-8")) | {"degree_cap": 7}
    (tmp_path / "COLLAB.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    with cards.using(tmp_path):
        assert again.key()["degrees"] == ["degree-one-hot", 7]
        assert again.name != before


def test_fixed_folds_count_by_content(tmp_path: Path) -> None:
    names = []
    for folder, text in (("a", "[1]"), ("b", "[1]"), ("c", "[2]")):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "splits.json"
        file.write_text(text, encoding="utf-8")
        probe = dataclasses.replace(CONFIG.probe, splits=str(file))
        names.append(trial(dataclasses.replace(CONFIG, probe=probe)).name)
    assert names[0] == names[1] != names[2]


def test_baselines_depend_on_the_data_and_the_folds_alone() -> None:
    bag = trial(baseline="bag").name
    assert trial(dataclasses.replace(CONFIG, beta=0.1, hidden=64), baseline="bag").name == bag
    assert trial(dataclasses.replace(CONFIG, seed=1), baseline="bag").name != bag


@pytest.mark.parametrize(
    ("baseline", "told"),
    [
        (None, "Not read in this run: edge_attr (edge_labels (one-hot, 4 columns)) of MUTAG, "
               "by the backbone gin."),
        ("majority", "Not read in this run: edge_attr (edge_labels (one-hot, 4 columns)) of MUTAG, "
                     "by the baseline majority."),
        ("wl-subtree", None),
        ("graph_hcl.baselines.baseline:bag_baseline", None),
    ],
)  # fmt: skip
def test_what_is_not_read_is_told_of_the_baseline_not_of_an_encoder(baseline, told) -> None:
    config = dataclasses.replace(CONFIG, epochs=0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run_trial(trial(config, (0,), baseline=baseline))
    assert [str(one.message) for one in said] == [told] * (told is not None)


def test_epochs_of_one_training_are_those_of_shorter_trainings() -> None:
    of = trial(epochs=(0, 1, 3))
    record = run_trial(of)
    assert record["method"] == of.method
    assert dataclasses.replace(of, method="other").name == record["trial"]
    assert list(dict.fromkeys(row["epoch"] for row in record["records"])) == [0, 1, 3]
    for epochs in (0, 1, 3):
        short = make_experiment(dataclasses.replace(CONFIG, epochs=epochs))
        trainer, everything = short.trainer, np.arange(len(short.store))
        model = trainer.fit(everything, 0) if epochs else trainer.model(0)
        found = evaluate(
            embed(model, short.store, trainer.device),
            short.targets.values,
            probe="logistic",
            folds=3,
        )
        rows = [row for row in record["records"] if row["epoch"] == epochs]
        for row, fold in zip(rows, found.folds, strict=True):
            assert (row["seed"], row["fold"]) == (fold.seed, fold.fold)
            assert row["scores"]["accuracy"] == round(fold.scores["accuracy"], 6)
            assert row["params"] == fold.params
            assert (row["train"], row["test"]) == (fold.train, len(fold.test))
            assert row["tested"] == digest(sorted(fold.test))[:16]
    json.dumps(record)


def test_an_inductive_trial_trains_on_each_training_part_alone() -> None:
    config = dataclasses.replace(CONFIG, objective="h-scl", protocol="inductive", epochs=1)
    record = run_trial(trial(config, (1,)))
    experiment = make_experiment(config)
    folds = stratified_folds(experiment.targets.values, folds=3, validation=0.1)

    def train(number: int, fold) -> np.ndarray:
        model = experiment.trainer.fit(experiment.parts(0)[number].train, 0)
        return embed(model, experiment.store, experiment.trainer.device)

    found = inductive(train, experiment.targets.values, folds=folds, probe="logistic")
    for row, fold in zip(record["records"], found.folds, strict=True):
        assert row["scores"]["accuracy"] == round(fold.scores["accuracy"], 6)
        assert row["validation_score"] == round(fold.validation_score or 0, 6)


def spec_file(folder: Path, methods, **fields) -> Path:
    file = folder / "b.yaml"
    small = {"hidden": 4, "probe": {"folds": 3}}
    text = yaml.safe_dump(
        {"datasets": ["MUTAG"], "methods": methods, "common": small} | fields, sort_keys=False
    )
    file.write_text(text, encoding="utf-8")
    return file


def test_expansion_orders_by_repetition_and_leaves_out_what_would_leak(tmp_path: Path) -> None:
    methods = {
        "ucl": {"settings": {"objective": "ucl"}, "epochs": [4, 2]},
        "h-scl": {"settings": {"objective": "h-scl"}, "grid": {"beta": [0.5, 1.0]}},
        "bag": {"baseline": "bag"},
    }
    protocols = ["transductive", "inductive"]
    file = spec_file(tmp_path, methods, protocols=protocols, repeats=2, seed=5)
    found = expand(read_benchmark(file))
    assert [c.config.seed for c in found] == [5] * 6 + [6] * 6
    first = [(c.protocol[:1], c.method) for c in found[:6]]
    assert first == [
        ("t", "ucl"), ("t", "bag"), ("i", "ucl"), ("i", "h-scl"), ("i", "h-scl"), ("i", "bag")
    ]  # fmt: skip
    assert (found[0].epochs, found[0].config.epochs) == ((2, 4), 4)
    assert len({c.name for c in found}) == len(found)


def test_estimates_scale_with_what_was_finished() -> None:
    one, two = trial(), trial(dataclasses.replace(CONFIG, seed=1))
    assert estimate([two], []) == pytest.approx(raw_estimate(two))
    done = [(one, {"seconds": {"train": 3 * raw_estimate(one), "evaluate": 0.0}})]
    assert estimate([two, two], done) == pytest.approx(6 * raw_estimate(two))


def write(folder: Path, **fields) -> Path:
    file = folder / "bench.yaml"
    file.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return file


def test_own_files_count_by_content(tmp_path: Path) -> None:
    lines = tmp_path / "graphs.jsonl"

    def name_with(text: str) -> str:
        lines.write_text(text, encoding="utf-8")
        spec = write(tmp_path, datasets=[str(lines)], methods={"ucl": {"epochs": [1]}})
        (trial,) = expand(read_benchmark(spec))
        return trial.name

    one = '{"edges": [[0, 1]], "y": 0}\n'
    assert name_with(one) == name_with(one)
    assert name_with(one) != name_with(one.replace("1", "2"))


def test_weights_to_start_from_count_by_content(tmp_path: Path) -> None:
    names = set()
    for seed in (0, 1):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        model = GraphContrast(objective="ucl", epochs=0, hidden=4, layers=1, random_state=seed)
        model.fit("MUTAG").save(tmp_path / "run")
        settings = {"objective": "ucl", "hidden": 4, "layers": 1}
        method = {"settings": settings | {"init_from": str(tmp_path / "run")}, "epochs": [1]}
        spec = write(tmp_path, datasets=["MUTAG"], methods={"on": method})
        names |= {trial.name for trial in expand(read_benchmark(spec))}
    assert len(names) == 2
