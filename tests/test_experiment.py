"""Experiments without a command: composed of graphs, a protocol and a probe."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from graph_hcl.config import Config, ProbeConfig
from graph_hcl.data import cards, load
from graph_hcl.errors import UserError
from graph_hcl.experiment import (
    Experiment,
    check_trained,
    compare,
    make_experiment,
    make_protocol,
    make_targets,
    run_and_save,
)
from graph_hcl.probes import Inductive, Targets, Transductive, inductive
from graph_hcl.results_file import read_results
from graph_hcl.run import Run
from graph_hcl.settings import make_config
from graph_hcl.spec import ModelSpec
from graph_hcl.trainer import Trainer

pytestmark = pytest.mark.filterwarnings("ignore:Not read in this run")
SMALL = Config(
    dataset="MUTAG",
    epochs=1,
    hidden=4,
    layers=1,
    probe=ProbeConfig(name="class-mean", folds=3),
    diagnose=False,
)
SUPERVISED = dataclasses.replace(SMALL, objective="h-scl")


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_trainer_needs_no_labels_folds_or_folder(tmp_path) -> None:
    store = dataclasses.replace(load("MUTAG"), y=None)
    trainer = Trainer(SMALL, store)
    model, spec = trainer.fit(np.arange(188), seed=3), trainer.describe(np.arange(188))
    labelled = Trainer(SMALL, load("MUTAG"))
    same = labelled.fit(np.arange(188), seed=3)
    for one, other in zip(model.parameters(), same.parameters(), strict=True):
        assert torch.equal(one, other)
    assert trainer.embed(model, spec).shape == (188, 4)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="'h-scl', which reads them"):
        Trainer(SUPERVISED, store)


def test_an_experiment_is_composed_of_its_parts() -> None:
    store = load("MUTAG")
    trainer = Trainer(SUPERVISED, store)
    composed = Experiment(trainer, Inductive(folds=3), make_targets(store), SMALL.probe)
    made = make_experiment(SUPERVISED)
    assert made.protocol == composed.protocol == Inductive(folds=3)
    for one, other in zip(made.parts(), composed.parts(), strict=True):
        assert (one.name, one.train.tolist()) == (other.name, other.train.tolist())

    def train(number, fold):
        model = trainer.fit(fold.train, seed=0)
        return trainer.embed(model, trainer.describe(fold.train))

    folds = composed.protocol.split(composed.targets, 0)
    expected = inductive(train, store.y.numpy(), folds=folds, probe="class-mean")

    def fit(part):
        spec = made.trainer.describe(part.train)
        return made.trainer.fit(part.train, part.seed, spec), spec

    found = made.measure(made.embed_parts(0, fit), seed=0)
    assert [fold.scores for fold in found.folds] == [fold.scores for fold in expected.folds]
    assert [fold.test for fold in found.folds] == [fold.test for fold in expected.folds]


def test_every_probe_setting_reaches_a_protocol_or_is_refused() -> None:
    probe = ProbeConfig(folds=4, inner=3, fraction=0.5)
    config = Config(dataset="MUTAG", protocol="transductive", probe=probe)
    assert make_protocol(config) == Transductive(folds=4, inner=3, fraction=0.5)
    with pytest.raises(UserError, match=r"--probe\.fraction"):
        make_protocol(Config(dataset="MUTAG", protocol="inductive", probe=probe))


def test_targets_keep_the_users_values() -> None:
    store = load("MUTAG")
    shifted = dataclasses.replace(store, y=2 * store.y - 1)
    assert sorted(set(make_targets(shifted).values.tolist())) == [-1, 1]
    assert not make_targets(dataclasses.replace(store, y=None)).labelled
    experiment = Experiment(
        Trainer(SMALL, shifted), Transductive(folds=3), make_targets(shifted), SMALL.probe
    )
    assert experiment.store.y.unique().tolist() == [0, 1]
    found = experiment.measure(experiment.untrained(0), seed=0)
    assert {label for fold in found.folds for label in fold.predictions} <= {-1, 1}


def test_graphs_without_labels_are_trained_and_not_measured() -> None:
    store = dataclasses.replace(load("MUTAG"), y=None)
    trainer = Trainer(SMALL, store)
    bare = Experiment(trainer, Transductive(), Targets.unlabelled(188), SMALL.probe)
    with pytest.raises(UserError, match="nothing to evaluate"):
        bare.check_labelled()
    run = Run.create(dataclasses.replace(bare.config, out="bare"))
    assert "has no labels, so nothing was evaluated" in run_and_save(bare, run, show=False)
    assert run.parts == ["seed0"]
    assert not run.folder.results_path.exists()


def test_a_run_is_opened_with_its_models(tmp_path) -> None:
    experiment = make_experiment(dataclasses.replace(SUPERVISED, out="run"))
    run = Run.create(experiment.config)
    with pytest.raises(
        UserError, match="a run with a trained part, but run has none yet: train it with"
    ):
        run.find_part()
    with pytest.raises(UserError, match=r"not finished \(seed0-fold0 has 0 of 1 epochs"):
        check_trained(experiment, run)
    comparison = compare(experiment, run, show=False)
    check_trained(experiment, run)
    again = Run.open("run", device="cpu", probe={"name": "knn"})
    assert again.config == dataclasses.replace(
        run.config, device="cpu", probe=dataclasses.replace(run.config.probe, name="knn")
    )
    assert again.parts == [part.name for part in experiment.parts()]
    models = {part: again.model(part) for part in again.parts}
    embeddings = experiment.embed_parts(0, lambda part: (models[part.name], again.spec(part.name)))
    assert experiment.measure(embeddings, seed=0) == comparison.trained
    for wrong, sentence in (("seed7", "trained part of the run"), ("../x", "trained part")):
        with pytest.raises(UserError, match=sentence):
            again.model(wrong)
    with pytest.raises(UserError, match=r"Unknown setting divice\. Did you mean device"):
        Run.open("run", divice="cpu")


def test_a_run_is_bound_to_its_data_unless_that_is_allowed() -> None:
    experiment = make_experiment(dataclasses.replace(SMALL, out="run"))
    run = Run.create(experiment.config)
    run_and_save(experiment, run, show=False)
    other = Trainer(experiment.config, load("MUTAG")[torch.arange(100)])
    part = experiment.parts()[0]
    with pytest.raises(UserError, match="--allow-changed-data"):
        run.spec_of(part, other)
    allowed = Run.open("run", allow_changed_data=True)
    assert allowed.spec_of(part, other) == run.spec("seed0")
    about = read_results(run.folder.results_path).comparisons()["class-mean"].about
    assert about.trained_on_sha256 == [about.data_sha256] == [run.spec("seed0").data_sha256]


def test_damaged_results_are_told_before_the_training() -> None:
    experiment = make_experiment(dataclasses.replace(SMALL, out="run"))
    run = Run.create(experiment.config)
    Path("run/results.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"results\.json to hold the scores"):
        run_and_save(experiment, run, show=False)
    assert run.parts == []


def test_presets_reach_python(tmp_path) -> None:
    cards_folder, file = tmp_path / "cards", tmp_path / "c.yaml"
    cards_folder.mkdir()
    shipped = Path(__file__).parents[1] / "datasets" / "MUTAG.yaml"
    card = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    text = yaml.safe_dump(card | {"preset": {"epochs": 5, "hidden": 5}})
    (cards_folder / "MUTAG.yaml").write_text(text, encoding="utf-8")
    file.write_text("hidden: 6\n", encoding="utf-8")
    with cards.using(cards_folder):
        config = make_config(file, {"dataset": "MUTAG", "probe": {"folds": 4}})
    assert (config.epochs, config.hidden, config.probe.folds) == (5, 6, 4)
    assert make_config({"dataset": "mutag"}).dataset == "MUTAG"


def test_a_description_survives_its_file() -> None:
    spec = ModelSpec(load("MUTAG").vocabulary, node_head=True, classes=3)
    assert ModelSpec.from_json(spec.to_json()) == spec
    for damage in ({"node_head": 1}, {"node_head": None}, {"more": 1}):
        with pytest.raises(ValueError, match=r"invalid|not the description"):
            ModelSpec.from_json(json.dumps(json.loads(spec.to_json()) | damage))


def test_a_restart_draws_other_weights_for_the_same_folds() -> None:
    def experiment(restart: int) -> Experiment:
        return make_experiment(
            Config(dataset="MUTAG", epochs=1, hidden=4, layers=1, restart=restart)
        )

    first, again, other = (experiment(restart) for restart in (0, 0, 1))
    untrained = [one.untrained(3)[0] for one in (first, again, other)]
    trained = [one.trainer.fit(np.arange(50), 3) for one in (first, again, other)]
    weights = [torch.cat([p.detach().ravel() for p in one.parameters()]) for one in trained]
    assert np.array_equal(untrained[0], untrained[1])
    assert torch.equal(weights[0], weights[1])
    assert not np.allclose(untrained[0], untrained[2])
    assert not torch.allclose(weights[0], weights[2])
    for one, two in zip(*(e.protocol.split(e.targets, 3) for e in (first, other)), strict=True):
        assert np.array_equal(one.test, two.test)
