"""The leak alarm: with labels given at random no honest run beats chance, and a leaky one does."""

import dataclasses

import networkx
import numpy as np
import pytest

from graph_hcl.config import Config, DataConfig, ProbeConfig
from graph_hcl.data import GraphStore
from graph_hcl.experiment import Experiment, make_experiment
from graph_hcl.probes import evaluate
from graph_hcl.training import embed

GRAPHS = 120
CONFIG = Config(
    dataset="MUTAG",
    objective="h-scl",
    epochs=15,
    hidden=16,
    layers=2,
    diagnose=False,
    views=["identity"],
    data=DataConfig(random_labels=True),
    lr=0.01,
    probe=ProbeConfig(name="logistic", folds=4, jobs=1),
)


@pytest.fixture(autouse=True)
def noisy_graphs(monkeypatch) -> None:
    """Rings and paths: a network can tell them apart, or learn them by heart."""
    rng = np.random.default_rng(0)
    graphs = []
    for number in range(GRAPHS):
        make = networkx.path_graph if number % 2 else networkx.cycle_graph
        graph = make(int(rng.integers(5, 9)))
        graph.graph["y"] = number % 2
        for node in graph:
            graph.nodes[node]["x"] = [number % 2 + rng.normal(), *rng.normal(size=7)]
        graphs.append(graph)
    store = GraphStore.from_networkx(graphs)
    monkeypatch.setattr("graph_hcl.factory.load", lambda *given, **options: store)


def inductive(experiment: Experiment, seed: int) -> float:
    models = [experiment.trainer.fit(part.train, seed) for part in experiment.parts(seed)]
    embeddings = [embed(model, experiment.store, experiment.trainer.device) for model in models]
    return experiment.measure(embeddings, seed, show=False).mean


def leaky(experiment: Experiment, seed: int) -> float:
    """Train on all graphs with their labels, then cross-validate a probe: the usual mistake."""
    model, labels = experiment.trainer.fit(np.arange(GRAPHS), seed), experiment.targets.values
    embeddings = embed(model, experiment.store, experiment.trainer.device)
    return evaluate(embeddings, labels, probe="logistic", folds=4, jobs=1).mean


def test_labels_are_permuted_by_the_seed_alone() -> None:
    true = make_experiment(dataclasses.replace(CONFIG, data=DataConfig())).targets.values
    first, again = make_experiment(CONFIG).targets.values, make_experiment(CONFIG).targets.values
    other = make_experiment(dataclasses.replace(CONFIG, seed=1)).targets.values
    np.testing.assert_array_equal(first, again)
    assert np.bincount(first).tolist() == np.bincount(true).tolist()
    for one, two in ((true, first), (first, other), (true, other)):
        assert 0.35 < (one == two).mean() < 0.65


def test_an_honest_run_is_at_chance_and_a_leaky_one_is_caught() -> None:
    honest, caught = [], []
    for seed in range(2):
        experiment = make_experiment(dataclasses.replace(CONFIG, seed=seed))
        honest.append(inductive(experiment, seed))
        caught.append(leaky(experiment, seed))
    assert 0.35 < np.mean(honest) < 0.6
    assert np.mean(caught) > 0.75


def test_the_same_run_with_its_true_labels_is_above_chance() -> None:
    experiment = make_experiment(dataclasses.replace(CONFIG, data=DataConfig()))
    assert inductive(experiment, 0) > 0.75


@pytest.mark.parametrize("objective", ["ucl", "cross-entropy"])
def test_every_objective_sees_the_permuted_labels(objective: str) -> None:
    experiment = make_experiment(
        dataclasses.replace(CONFIG, objective=objective, views=["identity"] * 2)
    )
    np.testing.assert_array_equal(experiment.store.y.numpy(), experiment.targets.values)
    assert experiment.targets.values.tolist() != [0, 1] * (GRAPHS // 2)
