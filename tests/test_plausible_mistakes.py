"""What a newcomer may type in Python ends in one sentence that says what to type."""

import importlib
import inspect
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from graph_hcl import GraphContrast, data, probes
from graph_hcl.augment import EdgeDrop, parse
from graph_hcl.commands import COMMANDS
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.nn import GraphEncoder
from graph_hcl.plot import embedding_map, spectra
from tests.one_sentence import ends_in_one_sentence

GRAPHS = [nx.cycle_graph(n) for n in range(3, 9)]
X = np.random.default_rng(0).normal(size=(20, 4))
Y = np.arange(20) % 2
FOLDS = probes.stratified_folds(Y, folds=2, validation=0.2)
TYPED = {
    "data": "load select official_split official_metric",
    "probes": "evaluate inductive compare paired_difference Inductive Transductive Metric "
    "ProbeResult search stratified_folds find_probe read_splits check_labels",
    "plot": "collapse compare confusion embedding_map folds losses orderings predictions project "
    "ranks save similarities spectra spread styled svg temperatures weights",
    "geometry": "alignment uniformity collapse_point equivalent_temperature loss_floor "
    "match_temperature nearest_class_mean negative_statistics negative_weights",
    "augment": "EdgeDrop RandomChoice ViewSampler add_edge drop_edge drop_node mask_edge parse "
    "mask_feature random_walk_subgraph sample_view",
    "nn": "ContrastiveModel GraphEncoder make_backbone make_readout check_independent",
    "training": "fit embed embed_nodes TrainingSettings Diagnosis Tracker Log diagnose ProgressBar",
    "baselines": "wl_subtree wl_optimal_assignment refine Baseline",
    "losses": "HUCL UCL NTXent contrastive_loss MemoryBank as_objective",
}
"""What is called with arguments by name, by module."""


@pytest.mark.parametrize("module", TYPED)
def test_an_unknown_argument_is_told_what_there_is(module: str) -> None:
    for name in TYPED[module].split():
        function = getattr(importlib.import_module(f"graph_hcl.{module}"), name)
        with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected .*'qqqq'.*: it takes "):
            function(qqqq=1)
        last = list(inspect.signature(function).parameters)[-1]
        with pytest.raises(TypeError, match=rf"'{last}x'\. Did you mean .*\b{last}\b.*\?"):
            function(**{f"{last}x": 1})


STORES = [("from_data", "undirect"), ("from_networkx", "node_attr"), ("from_smiles", "group")]


@pytest.mark.parametrize(("name", "wrong"), STORES)
def test_stores_are_made_with_arguments_that_there_are(name: str, wrong: str) -> None:
    make = getattr(data.GraphStore, name)
    with pytest.raises(TypeError, match=rf"^{name}\(\) got .* '{wrong}'\. Did you mean {wrong}"):
        make([], **{wrong: []})


def test_arguments_by_name_alone_are_not_given_by_position() -> None:
    with pytest.raises(TypeError, match=r"^load\(\) takes source alone by position, but got 2: "):
        data.load("MUTAG", True)
    with pytest.raises(TypeError, match=r"^GraphContrast\(\) takes objective alone .* as beta\.$"):
        GraphContrast("h-ucl", 0.5)


def test_any_arguments_by_position_stay_so() -> None:
    @names_arguments()
    def total(*numbers: int, start: int = 0) -> int:
        return sum(numbers, start)

    @names_arguments()
    def pair(first: int, second: int) -> int:
        return first - second

    assert total(1, 2, start=3) == 6
    assert pair(1, second=2) == -1
    with pytest.raises(TypeError, match="positional argument"):
        pair(1, 2, 3)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_module_of_a_command_is_no_function(command: str) -> None:
    module = importlib.import_module(f"graph_hcl.{command}")
    with pytest.raises(TypeError, match=f"^graph_hcl.{command} is the module of a command, .*\\.$"):
        module(X, Y)
    assert callable(module.main)


def test_the_function_of_the_name_is_told() -> None:
    from graph_hcl import evaluate

    with pytest.raises(TypeError, match=r"in Python, graph_hcl\.probes\.evaluate\("):
        evaluate(X, Y)


MISTAKES = {
    "graphs to load": (lambda: data.load(GRAPHS), "but got list: as_store takes graphs"),
    "a data frame of molecules": (
        lambda: data.GraphStore.from_smiles(pd.DataFrame({"smiles": ["C"], "label": [1]})),
        r"one column as smiles, but got 2: smiles, label: write df\['smiles'\]",
    ),
    "numbers with commas": (
        lambda: data.as_store(GRAPHS[:2], y=["0,5", "1,5"]),
        "the text '0,5': give numbers",
    ),
    "a word for a switch": (
        lambda: data.load("MUTAG", undirected="no"),
        "undirected to be true or false, but got 'no'",
    ),
    "a number for a folder": (
        lambda: data.load("MUTAG", data_dir=3),
        "a string or Path as data_dir",
    ),
    "a number for names": (
        lambda: data.as_store(GRAPHS, node_attrs=3),
        "node_attrs to be a list of names, but got 3",
    ),
    "arrays to compare": (
        lambda: probes.compare(X, X),
        "two evaluations to compare, as evaluate returns them, but got ndarray",
    ),
    "fewer labels": (
        lambda: probes.evaluate(X, Y[:6], folds=3),
        r"one embedding for each of the 6 labels \[6, D\], but got an array of shape \[20, 4\]",
    ),
    "arguments swapped": (lambda: probes.evaluate(Y, X[:, 0] > 0, folds=3), r"of shape \[20\]"),
    "graphs to evaluate": (
        lambda: probes.evaluate([nx.path_graph(n) for n in range(2, 22)], Y, folds=3),
        r"embeddings as numbers \[20, D\], but got list",
    ),
    "folds as text": (
        lambda: probes.evaluate(X, Y, folds="5"),
        "folds as a list of graph_hcl.probes.Fold, a number",
    ),
    "half a fold": (lambda: probes.evaluate(X, Y, folds=2.5), "but got 2.5"),
    "repeats as text": (
        lambda: probes.evaluate(X, Y, repeats="2"),
        "repeats to be a whole number, but got '2'",
    ),
    "a negative seed": (lambda: probes.evaluate(X, Y, seed=-1), "a seed of 0 to 2³² − 1, but got"),
    "jobs as text": (
        lambda: probes.evaluate(X, Y, folds=3, jobs="all"),
        "jobs to be a whole number, but got 'all'",
    ),
    "a switch for progress": (
        lambda: probes.evaluate(X, Y, folds=3, progress=True),
        "progress to be a function of one FoldScore, but got True",
    ),
    "progress, before anything is trained": (
        lambda: probes.inductive(lambda number, fold: 1 / 0, Y, folds=FOLDS, progress=3),
        "progress to be a function of one FoldScore, but got 3",
    ),
    "a number for splits": (
        lambda: probes.Inductive(splits=3).split(probes.Targets.of(Y), 0),
        "folds as a list of graph_hcl.probes.Fold or a file of them, but got 3",
    ),
    "splits of one's own kind": (
        lambda: probes.Inductive(splits=[(Y, Y, Y)]).split(probes.Targets.of(Y), 0),
        "folds as a list of graph_hcl.probes.Fold or a file of them",
    ),
    "metrics that end": (
        lambda: probes.evaluate(X, Y, metrics=iter(["accuracy", "macro_f1"])),
        "a list of different metrics, but got <list_iterator",
    ),
    "folds of one's own kind": (
        lambda: probes.inductive(lambda number, fold: X, Y, folds=[object()]),
        "a list of graph_hcl.probes.Fold",
    ),
    "a number for an objective": (
        lambda: GraphContrast(3).fit(GRAPHS),
        r"an objective, or a function loss\(z, graph=…, label=…\), but got int",
    ),
    "a number for views": (
        lambda: GraphContrast(views=3).fit(GRAPHS),
        "views to be a list, but got 3",
    ),
    "a number for callbacks": (
        lambda: GraphContrast(callbacks=3).fit(GRAPHS),
        "callbacks to be a list, but got 3",
    ),
    "a number for a logger": (
        lambda: GraphContrast(epochs=0, logger=3).fit(GRAPHS),
        "logger to be tensorboard, wandb, mlflow, or a logger of Lightning, but got 3",
    ),
    "a number of epochs below 0": (
        lambda: GraphContrast(epochs=-1).fit(GRAPHS),
        "^Expected epochs to be 0 or more, but got -1",
    ),
    "one setting of another group": (
        lambda: GraphContrast(settings={"loss.tau_plus": 2}).fit(GRAPHS),
        r"^Expected loss\.tau_plus to be in \[0, 1\)",
    ),
    "a device that there is not": (
        lambda: GraphContrast(device="gpu", epochs=0).fit(GRAPHS),
        "^Expected device to be auto, cpu, cuda, cuda:1 or mps, but got 'gpu'",
    ),
    "one of the settings by name": (
        lambda: GraphContrast().set_params(settings__x=1),
        r"but settings__x is one of its settings, .*: write settings=\{'x': …\}\.",
    ),
    "an argument of an objective by name": (
        lambda: GraphContrast("ucl").set_params(objective__beta=1),
        r"but objective__beta is one of its objective, .*: write objective=…\.",
    ),
    "an argument of nothing by name": (
        lambda: GraphContrast().set_params(objectiv__beta=1),
        r"Unknown argument objectiv of GraphContrast. Did you mean objective\?",
    ),
    "a file of settings": (
        lambda: GraphContrast(settings="mine.yaml").fit(GRAPHS),
        "settings to map names to values",
    ),
    "a word for a seed": (
        lambda: GraphContrast(random_state="x").fit(GRAPHS),
        "random_state to be an integer, a generator of numpy's or None, but got 'x'",
    ),
    "a ratio as text": (lambda: EdgeDrop("a"), "as a number with .*, but got str"),
    "a number for an augmentation": (lambda: parse(3), "an augmentation as text"),
    "a name for a module": (lambda: GraphEncoder("gin", 3), "make_backbone makes one by name"),
    "embeddings for a map": (
        lambda: embedding_map(X, Y),
        r"points \[G, 2\], such as those of project, but got \[20, 4\]",
    ),
    "fewer classes": (lambda: embedding_map(X[:, :2], Y[:3]), "each of the 20 points, but got 3"),
    "values for spectra": (lambda: spectra(X), "spectra by name"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_in_one_sentence(mistake: str) -> None:
    ends_in_one_sentence(*MISTAKES[mistake])


def test_advice_names_settings_as_in_python() -> None:
    with pytest.raises(UserError, match=r"diverged .* learning rate of 1e\+30: lower lr\.$"):
        GraphContrast(lr=1e30, epochs=5, random_state=0).fit(GRAPHS)
    with pytest.warns(
        UserWarning, match="The features collapsed .*: .* lower lr or beta, or raise"
    ):
        GraphContrast(lr=1e3, epochs=3, random_state=0).fit([nx.path_graph(9)] * 30)


def test_an_evaluation_is_shown_in_one_line() -> None:
    found = probes.evaluate(X, Y, folds=2, probe="knn")
    assert repr(found) == f"Evaluation(transductive, knn, 2 folds: {found})"
    assert found == probes.Evaluation(found.protocol, found.probe, found.settings, found.folds)


def test_a_path_is_a_folder_of_data_and_a_generator_a_seed(tmp_path: Path) -> None:
    assert len(data.load("digits", data_dir=tmp_path)) == 1797
    model = GraphContrast(epochs=0, hidden=4, layers=1, random_state=np.random.default_rng(0))
    assert model.fit(GRAPHS).transform(GRAPHS).shape == (6, 4)
