"""GraphContrast as users of scikit-learn use it: fit, transform, save, load, search."""

import pickle
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from torch import nn
from torch_geometric.data import Data
from torch_geometric.transforms import Constant

from graph_hcl import HUCL, GraphContrast
from graph_hcl.__main__ import main
from graph_hcl.augment import EdgeDrop
from graph_hcl.config import Config
from graph_hcl.data import GraphStore, as_store, load
from graph_hcl.errors import UserError
from graph_hcl.run import Run
from graph_hcl.training import Callback, History
from tests.one_sentence import ends_in_one_sentence

GRAPHS = [nx.cycle_graph(n) for n in range(4, 16)] + [nx.star_graph(n) for n in range(4, 16)]
LABELS = ["ring"] * 12 + ["star"] * 12
SMALL = {"epochs": 2, "hidden": 8, "layers": 2, "random_state": 0}
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def fitted() -> GraphContrast:
    return GraphContrast(**SMALL).fit(GRAPHS)


def test_the_defaults_are_those_of_the_flags() -> None:
    parameters, usual = GraphContrast().get_params(), Config(dataset="MUTAG")
    for name in ("objective", "epochs", "batch_size", "lr", "weight_decay", "backbone"):
        assert parameters[name] == getattr(usual, name)
    assert (parameters["hidden"], parameters["layers"]) == (usual.hidden, usual.layers)


def test_an_embedding_depends_on_its_graph_alone(fitted: GraphContrast) -> None:
    z = fitted.transform(GRAPHS)
    assert z.shape == (24, len(fitted.get_feature_names_out()))
    assert np.allclose(fitted.transform(GRAPHS[7:8]), z[7:8], atol=1e-5)
    assert np.allclose(fitted.transform(GRAPHS[::-1]), z[::-1], atol=1e-5)


def test_nodes_have_embeddings_that_the_read_out_sums(fitted: GraphContrast) -> None:
    nodes = fitted.transform_nodes(GRAPHS[:2])
    assert [len(matrix) for matrix in nodes] == [4, 5]
    sums = np.stack([matrix.sum(0) for matrix in nodes])
    assert np.allclose(sums, fitted.transform(GRAPHS[:2]), atol=1e-4)


def test_the_same_seed_gives_the_same_numbers(fitted: GraphContrast) -> None:
    z = fitted.transform(GRAPHS)
    assert np.array_equal(clone(fitted).fit_transform(GRAPHS), z)
    assert np.array_equal(clone(fitted).fit(GRAPHS, LABELS).transform(GRAPHS), z)  # y is not read
    generator = np.random.RandomState(0)
    first, second = (
        clone(fitted).set_params(random_state=generator).fit_transform(GRAPHS) for _ in range(2)
    )
    assert not np.array_equal(first, second)


def test_all_kinds_of_graphs_are_read() -> None:
    by_name = GraphContrast(**SMALL).fit_transform("MUTAG")
    assert np.array_equal(GraphContrast(**SMALL).fit_transform(load("MUTAG")), by_name)
    edges = torch.tensor([[0, 1], [1, 0]])
    data = [Data(x=torch.ones(n, 3), edge_index=edges) for n in range(2, 8)]
    assert len(GraphContrast(**SMALL).fit_transform(data)) == 6
    store = GraphStore.from_data(data)
    assert len(GraphContrast(**SMALL).fit(data).transform(store[2:])) == 4


def test_the_preset_of_a_card_counts_for_the_name_and_for_its_store() -> None:
    store = load("digits")
    by_name, by_store = (GraphContrast(**SMALL | {"epochs": 1}) for _ in range(2))
    by_name.fit("digits")
    z = by_store.fit(store).transform(store[:50])
    assert np.array_equal(by_name.transform(store[:50]), z)
    assert (by_store.config_.readout, by_store.config_.data.standardize) == ("mean", False)
    part = store[:40]
    own = GraphContrast(**SMALL, settings={"data.standardize": True}).fit(part).config_
    assert (own.data.standardize, own.readout) == (True, "mean")  # settings override the preset
    assert GraphContrast(**SMALL).fit(list(part)).config_.readout == Config().readout


def test_pipelines_and_searches_train_inside_each_fold() -> None:
    pipeline = make_pipeline(GraphContrast(**SMALL), LogisticRegression())
    assert cross_val_score(pipeline, GRAPHS, LABELS, cv=FOLDS).mean() > 0.7
    grid = {"graphcontrast__beta": [0.0, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=FOLDS).fit(GRAPHS, LABELS)
    assert search.best_params_["graphcontrast__beta"] in (0.0, 1.0)


def test_output_as_a_data_frame(fitted: GraphContrast) -> None:
    frame = clone(fitted).set_output(transform="pandas").fit(GRAPHS).transform(GRAPHS)
    assert frame.columns[0] == "graphcontrast0"
    assert len(frame) == 24


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        np.array(LABELS),
        pd.Series(LABELS, index=range(100, 124)),
        np.repeat([0, 1], 12),
        np.repeat([0.0, 1.0], 12),
        np.repeat([7, 9], 12).astype(np.uint8),
        torch.arange(24) // 12,
        [True] * 12 + [False] * 12,
    ],
    ids=["list", "words", "series", "integers", "floats", "bytes", "tensor", "bools"],
)
def test_labels_of_any_discrete_kind_are_the_same(y) -> None:
    model = GraphContrast(objective="scl", **SMALL)
    expected = clone(model).fit_transform(GRAPHS, [0] * 12 + [1] * 12)
    assert np.array_equal(model.fit_transform(GRAPHS, y), expected)


def test_labels_that_graphs_carry_are_never_read() -> None:
    labelled = [graph.copy() for graph in GRAPHS]
    for graph, label in zip(labelled, LABELS, strict=True):
        graph.graph["y"] = label
    with pytest.raises(UserError, match="labels y with the objective 'h-scl'"):
        GraphContrast(objective="h-scl", **SMALL).fit(labelled)
    z = GraphContrast(**SMALL).fit_transform(labelled)
    assert np.array_equal(z, GraphContrast(**SMALL).fit_transform(GRAPHS))


def test_a_saved_model_is_a_run_folder(fitted: GraphContrast, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    fitted.save(folder)
    again = GraphContrast.load(folder)
    assert np.array_equal(again.transform(GRAPHS), fitted.transform(GRAPHS))
    assert again.history_ == fitted.history_
    assert again.get_params() == fitted.get_params()
    assert Run.open(folder).epoch("seed0") == 2
    again.save(tmp_path / "twice")
    twice = GraphContrast.load(tmp_path / "twice")
    assert np.array_equal(twice.transform(GRAPHS), fitted.transform(GRAPHS))
    with pytest.raises(UserError, match="new or empty folder"):
        fitted.save(folder)


def test_a_fitted_model_survives_a_pickle(fitted: GraphContrast) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.transform(GRAPHS), fitted.transform(GRAPHS))


def test_settings_are_kept_by_a_saved_model(tmp_path: Path) -> None:
    model = GraphContrast(
        objective="ucl",
        temperature=0.2,
        views=["edge_drop(0.2)", "identity"],
        settings={"encoder.norm": None, "projection.layers": 0, "data.standardize": False},
        **SMALL,
    ).fit(GRAPHS)
    model.save(tmp_path / "saved")
    again = GraphContrast.load(tmp_path / "saved")
    assert again.get_params() == model.get_params()
    assert np.array_equal(clone(again).fit_transform(GRAPHS), model.transform(GRAPHS))


def test_the_folder_of_a_run_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quick = ["--epochs", "1", "--hidden", "8", "--layers", "1", "--probe", "class-mean"]
    command = [
        "train",
        "--dataset",
        "MUTAG",
        "--objective",
        "scl",
        "--probe.folds",
        "2",
        "--out",
        "run",
        *quick,
    ]
    assert main(command) == 0
    parts = [GraphContrast.load("run", part=f"seed0-fold{k}") for k in (0, 1)]
    first, second = (model.transform("MUTAG") for model in parts)
    assert not np.allclose(first, second)
    assert np.array_equal(GraphContrast.load("run").transform(load("MUTAG")), first)
    with pytest.raises(UserError, match="trained part"):
        GraphContrast.load("run", part="seed7")


def test_commands_embed_other_graphs_with_a_saved_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = GraphContrast(**SMALL).fit(load("MUTAG"))
    model.save("saved")
    assert main(["embed", "saved", "--dataset", "MUTAG", "--out", "z.npz"]) == 0
    assert np.array_equal(np.load("z.npz")["embeddings"], model.transform("MUTAG"))
    for command in (["embed", "saved", "--out", "x.npz"], ["evaluate", "saved"]):
        assert main(command) == 2
        assert "graphs in memory" in capsys.readouterr().err


def test_objects_take_the_place_of_names(tmp_path: Path) -> None:
    named = GraphContrast(objective="h-ucl", beta=2.0, views=["edge_drop(0.3)"] * 2, **SMALL)
    given = GraphContrast(objective=HUCL(beta=2.0), views=[EdgeDrop(0.3)] * 2, **SMALL)
    z = named.fit_transform(GRAPHS)
    assert np.array_equal(given.fit_transform(GRAPHS), z)
    assert np.array_equal(given.fit_transform(GRAPHS), z)  # no state is left in the objects
    given.save(tmp_path / "saved")
    with pytest.raises(UserError, match="objective"):
        GraphContrast.load(tmp_path / "saved", objective=lambda z, graph, label: z.sum())
    with pytest.raises(UserError, match="Expected objects for backbone"):
        GraphContrast.load(tmp_path / "saved", probe="svm")


def test_callbacks_and_loggers_see_each_epoch() -> None:
    seen = []

    class Watch(Callback):
        def on_epoch_end(self, state) -> None:
            seen.append(state.epoch)
            state.record["twice"] = 2 * state.loss

    class Logger:
        def __init__(self) -> None:
            self.rows, self.settings = [], {}

        def log_hyperparams(self, params) -> None:
            self.settings = params

        def log_metrics(self, metrics, step=None) -> None:
            self.rows.append((step, metrics["loss"]))

        def finalize(self, status) -> None:
            self.status = status

    logger = Logger()
    model = GraphContrast(callbacks=[Watch()], logger=logger, **SMALL).fit(GRAPHS)
    assert seen == [1, 2]
    assert [row["twice"] == 2 * row["loss"] for row in model.history_] == [True, True]
    assert logger.rows == [(row["epoch"], row["loss"]) for row in model.history_]
    assert logger.settings["hidden"] == 8
    assert logger.status == "success"


WEIGHTED = [nx.Graph([(0, 1, {"weight": 2.0}), (1, 2, {"weight": 0.5})]) for _ in range(8)]


class WithoutEdges(nn.Module):
    """A backbone whose constructor asks for what its forward does not read."""

    def __init__(self, in_channels, hidden_channels, num_layers, edge_dim) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, hidden_channels)

    def forward(self, x, edge_index):
        return self.linear(x)


@pytest.mark.parametrize(
    ("sentence", "arguments", "graphs", "y"),
    [
        ("Unknown setting encoder.nrm", {"settings": {"encoder.nrm": None}}, GRAPHS, None),
        ("epochs as the argument epochs", {"settings": {"epochs": 3}}, GRAPHS, None),
        ("argument random_state", {"settings": {"seed": 3}}, GRAPHS, None),
        ("probe.folds is none", {"settings": {"probe.folds": 3}}, GRAPHS, None),
        ("dataset is none", {"settings": {"dataset": "NCI1"}}, GRAPHS, None),
        ("epochs to be 0 or more", {"epochs": -1}, GRAPHS, None),
        ("h-scl.*continuous", {"objective": "h-scl"}, GRAPHS, [k / 7 for k in range(24)]),
        ("24 labels, one per graph, but got 23", {"objective": "h-scl"}, GRAPHS, LABELS[:-1]),
        ("h-scl', but graph 1 has none", {"objective": "h-scl"}, GRAPHS, [0, None, *LABELS[2:]]),
        ("two labels or more", {"objective": "h-scl"}, GRAPHS, [0] * 24),
        ("list of graphs", {}, GRAPHS[0], None),
        ("at least one graph", {}, [], None),
        ("edge_weight.* such as gcn", {"weight": "weight"}, WEIGHTED, None),
        ("edge_attr.* such as gine", {"edge_attrs": "weight"}, WEIGHTED, None),
        (
            "edge_attr in the forward of the backbone '.*WithoutEdges'",
            {"edge_attrs": "weight", "backbone": WithoutEdges},
            WEIGHTED,
            None,
        ),
        (
            "'WithoutEdges' needs an edge_dim, but the graphs have no",
            {"backbone": WithoutEdges},
            GRAPHS,
            None,
        ),
        ("weight", {"weight": "weight", "backbone": "gcn"}, GRAPHS, None),
    ],
)
def test_mistakes_get_one_sentence(sentence, arguments, graphs, y) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Not read")  # the error says enough
        with pytest.raises(UserError, match=sentence) as error:
            GraphContrast(**{"epochs": 1} | arguments).fit(graphs, y)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("epoch", "'epoch'. Did you mean epochs"),
        ("norm", "write settings={'encoder.norm': …}"),
        ("wrong", "it takes objective, beta, "),
    ],
)
def test_an_unknown_argument_is_told_which_was_meant(argument, sentence) -> None:
    with pytest.raises(TypeError, match=rf"^GraphContrast\(\) .*{sentence}"):
        GraphContrast(**{argument: 3})


def test_new_graphs_must_carry_what_training_had(fitted: GraphContrast) -> None:
    model = GraphContrast(backbone="gcn", weight="weight", epochs=1).fit(WEIGHTED)
    with pytest.raises(UserError, match="weight"):
        model.transform(GRAPHS[:1])
    with pytest.raises(UserError, match="list of graphs"):
        fitted.transform(GRAPHS[0])


def test_a_part_of_a_store_is_read_as_its_graphs_are() -> None:
    """Values that only other graphs of the store have were never trained on."""
    smiles = ["CCO", "CCN", "CCC", "CCBr"]
    store = GraphStore.from_smiles(smiles)
    one, other = (GraphContrast(epochs=1, random_state=0).fit(g) for g in (store[:3], smiles[:3]))
    assert one.spec_.vocabulary == other.spec_.vocabulary
    with pytest.warns(UserWarning, match="training never saw the value of 1 with"):
        embedded = one.transform(smiles)
    with pytest.warns(UserWarning, match="training never saw the value of 1 with"):
        assert np.array_equal(other.transform(store), embedded)


def drawn() -> list[float]:
    return [random.random(), np.random.rand(), torch.rand(1).item()]


def test_a_fit_leaves_the_global_generators_as_they_were(fitted: GraphContrast) -> None:
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    expected = drawn()
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    model = GraphContrast("h-scl", **SMALL | {"settings": {"encoder.dropout": 0.2}})
    z = model.fit_transform(GRAPHS, LABELS)
    assert drawn() == expected
    assert np.array_equal(model.fit(GRAPHS, LABELS).transform(GRAPHS), z)
    with pytest.raises(UserError):
        GraphContrast("h-scl").fit(GRAPHS)
    fits = {GraphContrast(**SMALL | {"random_state": None}).fit(GRAPHS).config_.seed for _ in "ab"}
    assert len(fits) == 2


@pytest.mark.parametrize("deterministic", [False, True])
def test_fits_in_threads_are_those_of_one_after_the_other(deterministic) -> None:
    settings = {"deterministic": deterministic, "encoder.dropout": 0.2}

    def embeddings(seed: int) -> np.ndarray:
        model = GraphContrast(**SMALL | {"random_state": seed, "settings": settings})
        return model.fit(GRAPHS).transform(GRAPHS)

    alone, count = [embeddings(seed % 2) for seed in range(4)], torch.get_num_threads()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(embeddings, [0, 1, 0, 1]))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == count


def test_a_network_is_in_evaluation_mode(fitted: GraphContrast, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    for model in (fitted, GraphContrast.load(tmp_path / "model", device=torch.device("cpu"))):
        assert not any(module.training for module in model.model_.modules())


def test_a_loaded_model_keeps_what_the_preset_would_replace(tmp_path: Path) -> None:
    part = load("digits")[:64]
    settings = {"data.standardize": True}
    model = GraphContrast(**SMALL, readout="sum", settings=settings).fit(part)
    model.save(tmp_path / "own")
    again = clone(GraphContrast.load(tmp_path / "own")).fit(part)
    assert (again.config_.readout, again.config_.data.standardize) == ("sum", True)
    assert np.array_equal(again.transform(part), model.transform(part))


def test_numbers_of_numpy_are_numbers() -> None:
    model = GraphContrast(
        np.str_("h-ucl"), temperature=np.float32(0.5), layers=np.int64(1), epochs=np.int32(1),
        hidden=np.int64(4), max_nodes=np.int64(64), batch_size=np.int64(8),
        settings={"loss.tau_plus": np.float32(0.1), "data.standardize": np.bool_(False)},
        device=torch.device("cpu"),
    ).fit(GRAPHS)  # fmt: skip
    assert model.config_.temperature == 0.5
    assert not model.config_.data.standardize
    assert type(model.config_.layers) is int
    search = GridSearchCV(
        make_pipeline(GraphContrast(epochs=1, hidden=4), LogisticRegression()),
        {"graphcontrast__layers": np.arange(1, 3)}, cv=2, error_score="raise",
    )  # fmt: skip
    assert search.fit(GRAPHS, LABELS).best_params_["graphcontrast__layers"] in (1, 2)


class Measured(Callback):
    def on_epoch_end(self, state) -> None:
        state.record |= {"tensor": torch.tensor(1.5), "scalar": np.float32(2.5)}


def test_what_callbacks_add_is_logged_and_saved(tmp_path: Path) -> None:
    told = []

    class Logger:
        def log_hyperparams(self, params) -> None: ...

        def log_metrics(self, metrics, step=None) -> None:
            told.append(metrics)

        def finalize(self, status) -> None: ...

    model = GraphContrast(**SMALL, callbacks=[Measured()], logger=Logger()).fit(GRAPHS)
    assert [(one["tensor"], one["scalar"]) for one in told] == [(1.5, 2.5)] * 2
    model.save(tmp_path / "model")
    assert GraphContrast.load(tmp_path / "model").history_ == model.history_


class Odd(Callback):
    def on_epoch_end(self, state) -> None:
        state.record["odd"] = torch.ones(2)


def test_a_model_is_saved_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    model = GraphContrast(**SMALL, callbacks=[Odd()]).fit(GRAPHS)
    with pytest.raises(UserError, match="record of an epoch to hold numbers"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^Expected a folder at .*file, but it is a file"):
        model.save(tmp_path / "file" / "model")


def test_a_history_is_of_the_last_fit() -> None:
    history = History()
    model = GraphContrast(**SMALL, callbacks=[history])
    for _ in range(2):
        model.fit(GRAPHS)
        assert [row["epoch"] for row in history.rows] == [1, 2]


SMILES = ["CC", "CCO", "c1ccccc1", "CCN"]


@pytest.mark.parametrize(
    "given",
    [pd.DataFrame({"smiles": SMILES}), np.array(SMILES, dtype=object)[:, None], pd.Series(SMILES)],
    ids=["frame", "column", "series"],
)
def test_one_column_of_a_table_is_graphs(given) -> None:
    pytest.importorskip("rdkit")
    small = GraphContrast(epochs=1, hidden=4, random_state=0)
    assert np.array_equal(small.fit(given).transform(given), small.fit(SMILES).transform(SMILES))


def test_a_column_of_arrow_is_graphs() -> None:
    pytest.importorskip("rdkit")
    arrow = pytest.importorskip("pyarrow")
    assert len(as_store(arrow.array(SMILES))) == len(as_store(arrow.table({"s": SMILES}))) == 4


MISTAKES = {
    "no columns of graphs": (
        lambda: GraphContrast().fit(pd.DataFrame(np.ones((5, 3)), columns=["C", "N", "O"])),
        r"one column as graphs, but got 3: C, N, O: write df\['smiles'\]",
    ),
    "two columns of graphs": (
        lambda: as_store(np.array([["C", "N"]] * 3, dtype=object)),
        r"one column as graphs, but got 2: write array\[:, 0\]",
    ),
    "a missing molecule": (
        lambda: as_store(pd.Series(["CC", None, "CO"])),
        "SMILES of each graph in graphs, but graph 1 has none: leave it out",
    ),
    "one-hot labels": (
        lambda: GraphContrast("h-scl").fit(GRAPHS, np.eye(24)[:, :2]),
        r"one class of each graph, .*'h-scl', but got shape \[24, 2\]: .*y\.argmax\(1\)",
    ),
    "a negative seed": (
        lambda: GraphContrast(random_state=-1).fit(GRAPHS),
        "Expected random_state to be 0 or more, but got -1",
    ),
    "a seed too large": (
        lambda: GraphContrast(random_state=2**40).fit(GRAPHS),
        "Expected random_state to be 4294967295 or less, but got 1099511627776",
    ),
    "a setting among the arguments": (
        lambda: GraphContrast().set_params(tau_plus=0.1),
        r"argument tau_plus of GraphContrast: write settings=\{'loss\.tau_plus': …\}\.",
    ),
    "an argument misspelt": (
        lambda: GraphContrast().set_params(epoch=1),
        r"argument epoch of GraphContrast\. Did you mean epochs\?",
    ),
    "a logger without an end": (
        lambda: GraphContrast(**SMALL, logger=type("L", (), {"log_metrics": print})()).fit(GRAPHS),
        "methods log_hyperparams, log_metrics, finalize, .* without log_hyperparams",
    ),
    "a transform for a view": (
        lambda: GraphContrast(views=[Constant()] * 2).fit(GRAPHS),
        r"Expected augmentations .* but Constant\(value=1\.0\) takes other arguments: return",
    ),
    "a function of a batch for a view": (
        lambda: GraphContrast(views=[lambda batch: batch] * 2).fit(GRAPHS),
        "Expected augmentations .* takes other arguments",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_end_in_one_sentence(name: str) -> None:
    ends_in_one_sentence(*MISTAKES[name])
