"""A run and other data than its own: the meaning of features, changed files, what nothing reads."""

import json
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from graph_hcl import embed, evaluate, report, train
from graph_hcl.config import Config, DataConfig, ProbeConfig
from graph_hcl.data import load
from graph_hcl.errors import UserError
from graph_hcl.experiment import make_experiment
from graph_hcl.model_factory import make_model
from graph_hcl.results_file import read_results
from graph_hcl.settings import make_config
from graph_hcl.spec import read_spec
from graph_hcl.training import RunFolder
from tests.edits import edit_checkpoint, edit_config

README = "Node labels:\n\n{}\n"


def rings_and_paths(folder, name, labels, names=None, graphs=24, **files):
    """Write a TU set of rings and paths whose nodes have the given labels in turn."""
    raw = folder / name / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    edges, indicator, node_labels, node = [], [], [], 1
    for g in range(graphs):
        n = 4 + g % 3
        pairs = [(node + i, node + (i + 1) % n) for i in range(n - g % 2)]
        edges += [f"{a}, {b}\n{b}, {a}" for a, b in pairs]
        indicator += [str(g + 1)] * n
        node_labels += [str(labels[(g + i) % len(labels)]) for i in range(n)]
        node += n
    texts = {
        "A": "\n".join(edges),
        "graph_indicator": "\n".join(indicator),
        "graph_labels": "\n".join(str(g % 2) for g in range(graphs)),
        "node_labels": "\n".join(node_labels),
    } | files
    for suffix, text in texts.items():
        if text is not None:
            (raw / f"{name}_{suffix}.txt").write_text(text + "\n", encoding="utf-8")
    if names:
        lines = "\n".join(f"  {value}  {word}" for value, word in names.items())
        (raw / "README.txt").write_text(README.format(lines), encoding="utf-8")
    return raw


FAST = ["--epochs", "2", "--hidden", "8", "--layers", "2", "--probe.folds", "3"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path))
    return tmp_path


def run_on(name, *flags):
    train.main(["--dataset", name, "--out", "run", "--probe.name", "class-mean", *FAST, *flags])


def embeddings(*flags):
    embed.main(["run", "--out", "z.npz", *flags])
    return np.load("z.npz")["embeddings"]


def test_labels_keep_the_meaning_of_training(folder) -> None:
    rings_and_paths(folder, "OLD", [6, 7, 8, 9])
    rings_and_paths(folder, "NEW", [7, 8, 9, 10])
    run_on("OLD")
    own = embeddings()
    with pytest.warns(UserWarning, match=r"Of 120 nodes, .* 30 with 'node_labels'"):
        moved = embeddings("--dataset", "NEW")
    # A graph of both sets whose labels are the same ones: 7, 8, 9 begin one place later in OLD.
    rings_and_paths(folder, "SAME", [7, 8, 9, 6])
    same = embeddings("--dataset", "SAME")
    assert not np.allclose(own, same)
    # An unknown value is as a masked one: no column at all.
    spec = read_spec(RunFolder.open("run").checkpoint("seed0"))
    assert spec.vocabulary.node.names() == [f"node_labels={v}" for v in (6, 7, 8, 9)]
    rings_and_paths(folder, "SHUFFLED", [6, 9])  # fewer values: one-hot from its own would shift
    rings_and_paths(folder, "LATER", [9, 6])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert embeddings("--dataset", "SHUFFLED").shape == moved.shape
    slow = slow_embeddings(folder, "SHUFFLED", [6, 7, 8, 9])
    assert np.allclose(embeddings("--dataset", "SHUFFLED"), slow, atol=1e-5)


def slow_embeddings(folder, name, values):
    """Return embeddings of graphs that are one-hot by the given values, one after another."""
    from torch_geometric.data import Batch, Data

    run = RunFolder.open("run")
    checkpoint = run.checkpoint("seed0")
    model = make_model(make_config(run.config_path), read_spec(checkpoint))
    checkpoint.load(model)
    raw = folder / name / "raw"

    def column(suffix):
        return [int(v) for v in (raw / f"{name}_{suffix}.txt").read_text(encoding="utf-8").split()]

    labels, indicator = column("node_labels"), column("graph_indicator")
    pairs = [
        tuple(int(v) for v in line.split(","))
        for line in (raw / f"{name}_A.txt").read_text(encoding="utf-8").splitlines()
    ]
    found = []
    for g in sorted(set(indicator)):
        nodes = [i + 1 for i, owner in enumerate(indicator) if owner == g]
        x = torch.tensor([[float(labels[i - 1] == v) for v in values] for i in nodes])
        e = [(nodes.index(a), nodes.index(b)) for a, b in pairs if a in nodes]
        batch = Batch.from_data_list([Data(x=x, edge_index=torch.tensor(sorted(e)).t())])
        with torch.no_grad():
            found.append(model.encoder.eval()(batch)[0].numpy())
    return np.stack(found)


def test_named_labels_are_matched_by_name(folder) -> None:
    rings_and_paths(folder, "MR", [0, 1, 2], {0: "C", 1: "N", 2: "O"})
    rings_and_paths(folder, "FM", [2, 0, 1], {0: "N", 1: "O", 2: "C"})  # the same atoms
    rings_and_paths(folder, "BARE", [0, 1, 2])
    run_on("MR")
    assert np.allclose(embeddings(), embeddings("--dataset", "FM"), atol=1e-6)
    with pytest.raises(UserError, match=r"'node_labels' of the nodes .* numbers and names"):
        embeddings("--dataset", "BARE")


def test_a_set_without_the_features_is_refused_by_name(folder) -> None:
    rings_and_paths(folder, "LABELS", [0, 1, 2])
    rings_and_paths(folder, "NONE", [0], node_labels=None)
    run_on("LABELS")
    with pytest.raises(UserError, match=r"node feature 'node_labels', .* have degree"):
        embeddings("--dataset", "NONE")


def test_degrees_are_counted_as_in_training(folder) -> None:
    rings_and_paths(folder, "RINGS", [0], node_labels=None)
    star = "\n".join(f"1, {i}\n{i}, 1" for i in range(2, 9))
    rings_and_paths(
        folder, "STAR", [0], node_labels=None, A=star, graph_indicator="\n".join("1" * 8),
        graph_labels=None,
    )  # fmt: skip
    run_on("RINGS")
    with pytest.warns(UserWarning, match=r"Of 8 nodes, .* 1 with 'degree'"):
        assert len(embeddings("--dataset", "STAR")) == 1  # embedding needs no labels
    assert "labels" not in np.load("z.npz")


def test_a_run_is_bound_to_its_data(folder) -> None:
    raw = rings_and_paths(folder, "SET", [0, 1, 2])
    run_on("SET")
    evaluate.main(["run", "--probe", "knn"])
    file = folder / "run" / "results.json"
    same = read_results(file).comparisons()["knn"].about
    assert same.trained_on_sha256 == [same.data_sha256]
    labels = (raw / "SET_node_labels.txt").read_text(encoding="utf-8").splitlines()
    (raw / "SET_node_labels.txt").write_text("\n".join(["2", *labels[1:]]) + "\n", encoding="utf-8")
    for command in (
        lambda: evaluate.main(["run", "--probe", "majority"]),
        lambda: train.main(["--resume", "run"]),
        lambda: report.main(["run"]),
        embeddings,
    ):
        with pytest.raises(UserError, match=r"data that seed0 of run was trained on .*sha256"):
            command()
    assert "majority" not in read_results(file).comparisons()
    evaluate.main(["run", "--probe", "majority", "--allow-changed-data"])
    about = read_results(file).comparisons()["majority"].about
    assert about.trained_on_sha256 == [same.data_sha256] != [about.data_sha256]
    report.main(["run", "--allow-changed-data"])
    assert np.allclose(embeddings("--allow-changed-data"), embeddings("--dataset", "SET"))


@pytest.mark.parametrize("labels", [[0, 1, 2, 5], [0, 1]])
def test_changed_data_that_is_allowed_may_have_other_values(folder, labels) -> None:
    rings_and_paths(folder, "SET", [0, 1, 2])
    run_on("SET")
    rings_and_paths(folder, "SET", labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 5 is unknown
        evaluate.main(["run", "--probe", "knn", "--allow-changed-data"])
        report.main(["run", "--allow-changed-data"])
        train.main(["--resume", "run", "--epochs", "3", "--allow-changed-data"])
    assert read_spec(RunFolder.open("run").checkpoint("seed0")).in_channels == 3


def test_both_directions_are_added_to_new_data_too(folder) -> None:
    both = rings_and_paths(folder, "BOTH", [0, 1, 2])
    pairs = (both / "BOTH_A.txt").read_text(encoding="utf-8").splitlines()
    rings_and_paths(folder, "ONE", [0, 1, 2], A="\n".join(pairs[::2]))
    run_on("ONE", "--data.undirected", "true")
    evaluate.main(["run", "--probe", "knn"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own, other = embeddings(), embeddings("--dataset", "BOTH")
    assert np.allclose(own, other, atol=1e-6)


def attributes(columns, seed=0):
    values = np.random.default_rng(seed).normal(5, 2, (sum(4 + g % 3 for g in range(24)), columns))
    return "\n".join(", ".join(f"{value:.4f}" for value in row) for row in values)


def test_attributes_are_read_of_new_data_where_training_read_them(folder) -> None:
    rings_and_paths(folder, "NUMBERS", [0], node_labels=None, node_attributes=attributes(2))
    rings_and_paths(folder, "BESIDE", [0, 1], node_attributes=attributes(2))
    rings_and_paths(folder, "WIDER", [0, 1], node_attributes=attributes(3))
    rings_and_paths(folder, "LABELS", [0, 1])
    run_on("NUMBERS")
    own = embeddings()
    with pytest.warns(UserWarning, match=r"node_labels are left out"):
        assert np.allclose(embeddings("--dataset", "BESIDE"), own, atol=1e-6)
    with pytest.warns(UserWarning, match=r"node_attributes\[2\], node_labels are left out"):
        embeddings("--dataset", "WIDER")
    with pytest.raises(UserError, match=r"node attributes in LABELS.*none"):
        embeddings("--dataset", "LABELS")


def test_what_nothing_reads_of_new_data_is_named_once(folder) -> None:
    edges = sum(2 * (4 + g % 3 - g % 2) for g in range(24))
    bonds = "\n".join(str(k % 2) for k in range(edges))
    rings_and_paths(folder, "BARE", [0, 1])
    rings_and_paths(folder, "RICH", [0, 1], edge_labels=bonds, node_attributes=attributes(2))
    for backbone in ("gin", "gine"):
        train.main(["--dataset", "BARE", "--out", backbone, "--backbone", backbone, *FAST])
        with pytest.warns(UserWarning, match="Not read") as said:
            embed.main([backbone, "--dataset", "RICH", "--out", "z.npz"])
        (text,) = [str(each.message) for each in said]
        assert "edge_attr (edge_labels" in text
        assert "2 node attributes" in text


def test_true_labels_are_written_beside_embeddings(folder) -> None:
    rings_and_paths(folder, "SET", [0, 1, 2])
    rings_and_paths(folder, "BARE", [0, 1, 2], graph_labels=None)
    real = "\n".join(f"{g / 3:.3f}, {g}" for g in range(24))
    rings_and_paths(folder, "TASKS", [0, 1], graph_labels=None, graph_attributes=real)
    run_on("SET", "--data.random-labels", "true")
    embeddings()
    assert np.load("z.npz")["labels"].tolist() == [0, 1] * 12
    embeddings("--dataset", "BARE")
    embed.main(["run", "--dataset", "TASKS", "--out", "z.parquet"])
    import pyarrow.parquet

    assert pyarrow.parquet.read_table("z.parquet").column_names[:3] == ["label0", "label1", "e0"]


def test_an_unfinished_part_is_named(folder) -> None:
    rings_and_paths(folder, "SET", [0, 1, 2])
    run_on("SET")
    edit_config("run", "epochs: 2", "epochs: 5")
    with pytest.warns(UserWarning, match="seed0 is trained for 2 of 5 epochs"):
        embeddings()


def test_degrees_of_pna_are_those_of_the_training_graphs(folder) -> None:
    star = "\n".join(f"1, {i}\n{i}, 1" for i in range(2, 30))
    more = {"node_labels": "\n".join("0" * 29), "graph_indicator": "\n".join("1" * 29)}
    rings_and_paths(folder, "STAR", [0], A=star, graph_labels="0", **more)
    rings_and_paths(folder, "SET", [0, 1])
    run_on("SET", "--backbone", "pna")
    spec = read_spec(RunFolder.open("run").checkpoint("seed0"))
    assert spec.degrees is not None
    assert len(spec.degrees) == 3
    rich = embeddings("--dataset", "STAR")
    lone = spec.prepare(load("STAR"))
    model = make_model(make_config(folder / "run" / "config.yaml"), spec)
    RunFolder.open("run").checkpoint("seed0").load(model)
    assert np.allclose(rich, model.encoder.eval()(lone.batch([0])).detach().numpy(), rtol=1e-5)
    config = Config(dataset="SET", backbone="pna", objective="h-scl", probe=ProbeConfig(folds=3))
    experiment = make_experiment(config)
    for part in experiment.parts():
        own = experiment.store[torch.from_numpy(part.train)]
        degrees = experiment.trainer.describe(part.train).degrees
        assert degrees is not None
        assert sum(degrees) == len(own.x) < len(experiment.store.x)


DAMAGE = [
    {"reads": ["time"]},
    {"classes": "two"},
    {"degrees": ["a"]},
    {"data_sha256": 3},
    {"fields": 7},
    {"vocabulary": {"node": [1], "edge": []}},
    {"vocabulary": {"node": [{"name": 1, "values": None}], "edge": []}},
    {"vocabulary": {"node": [{"name": "a", "values": None, "std": 0.0}], "edge": []}},
    {"vocabulary": {"node": [{"name": "a", "values": None, "mean": "b"}], "edge": []}},
    {"vocabulary": {"node": [{"name": "a", "values": [[1]]}], "edge": []}},
    None,
]


def test_a_damaged_or_missing_description_is_one_sentence(folder) -> None:
    rings_and_paths(folder, "SET", [0, 1])
    run_on("SET")
    file = folder / "run" / "checkpoint" / "seed0.safetensors"
    model = RunFolder.open("run").checkpoint("seed0").description()
    for damage in DAMAGE:
        text = "" if damage is None else json.dumps(json.loads(model) | damage)
        edit_checkpoint(file, model=text)
        for command in (embeddings, lambda: evaluate.main(["run"]), lambda: report.main(["run"])):
            with pytest.raises(UserError, match=r"description of a model in .* damaged"):
                command()
    file.with_name(f"{file.name}.previous").unlink()
    save_file({}, file, {"state": json.dumps({"epoch": 2})})  # as before there were any
    with pytest.raises(UserError, match=r"damaged or of another version"):
        embeddings()


def test_paths_of_a_run_are_absolute(folder, monkeypatch) -> None:
    rings_and_paths(folder / "data", "SET", [0, 1])
    run_on("SET", "--data-dir", "data")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    monkeypatch.delenv("GRAPH_HCL_DATA")
    evaluate.main([str(folder / "run"), "--probe", "knn", "--trust-code"])


def test_quantities_are_scaled_by_the_training_graphs(folder) -> None:
    rng = np.random.default_rng(0)
    count = sum(4 + g % 3 for g in range(24))
    values = rng.normal([5.0, -100.0], [2.0, 30.0], (count, 2))
    text = "\n".join(f"{a}, {b}" for a, b in values)
    rings_and_paths(folder, "REAL", [0, 1], node_attributes=text)
    config = Config(
        dataset="REAL", objective="h-scl", epochs=1, hidden=8, layers=2,
        data=DataConfig(node_attributes=True), probe=ProbeConfig(folds=3),
    )  # fmt: skip
    experiment = make_experiment(config)
    graph = np.repeat(np.arange(24), np.diff(experiment.store.node_ptr.numpy()))
    for part in experiment.parts():
        columns = experiment.trainer.describe(part.train).vocabulary.node.columns
        own = values[np.isin(graph, part.train)].astype(np.float32)
        for number in (0, 1):
            assert np.isclose(columns[number].mean, own[:, number].mean(), rtol=1e-5)
            assert np.isclose(columns[number].std, own[:, number].std(), rtol=1e-5)
        assert columns[2].values == (0, 1)
    plain = make_experiment(
        Config(**config.__dict__ | {"data": DataConfig(True, standardize=False)})
    )
    assert plain.trainer.describe(plain.parts()[0].train).vocabulary.node.columns[0].std == 1


def test_what_nothing_reads_is_named(folder, capfd) -> None:
    edges = sum(2 * (4 + g % 3 - g % 2) for g in range(24))
    count = sum(4 + g % 3 for g in range(24))
    rings_and_paths(
        folder, "RICH", [0, 1], edge_labels="\n".join(str(k % 2) for k in range(0, edges)),
        node_attributes="\n".join(["0.5, 1.5"] * count),
    )  # fmt: skip
    with pytest.warns(UserWarning, match=r"Not read .* edge_attr .*2 node attributes"):
        run_on("RICH")


def test_graphs_without_labels_train_and_embed_but_are_not_measured(folder, capsys) -> None:
    rings_and_paths(folder, "BARE", [0, 1], graph_labels=None)
    run_on("BARE")
    assert "BARE has no labels, so nothing was evaluated" in capsys.readouterr().out
    assert not (folder / "run" / "results.json").exists()
    assert embeddings().shape == (24, 16)
    with pytest.raises(UserError, match="no labels, so there is nothing to evaluate"):
        evaluate.main(["run"])
    with pytest.raises(UserError, match=r"no class labels: choose an unsupervised objective"):
        train.main(["--dataset", "BARE", "--objective", "h-scl", "--out", "no", *FAST])
    assert not (folder / "no").exists()
