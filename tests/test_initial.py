"""A training goes on from another run's weights, in its vocabulary, or says why it cannot."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graph_hcl import GraphContrast
from graph_hcl.config import Config, EncoderConfig, ProjectionConfig
from graph_hcl.data import GraphStore, load
from graph_hcl.data.columns import Column
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.initial import read_pretrained
from graph_hcl.run import Run
from graph_hcl.settings import make_config
from graph_hcl.trainer import Trainer
from graph_hcl.training import RunFolder

SMALL = Config(dataset="MUTAG", hidden=8, layers=2, epochs=1, device="cpu")


def atoms(names: str, seed: int = 0, weights: bool = False) -> GraphStore:
    """Return paths of atoms by name, with a size per node, labels 0 and 1 in turn."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for k in range(12):
        n = 3 + k % 3
        ends = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
        kinds = torch.randint(len(names), (n, 1), generator=generator)
        x = torch.cat([kinds, 10 + torch.randn(n, 1, generator=generator)], dim=1)
        graphs.append(Data(x=x, edge_index=torch.cat([ends, ends.flip(0)], dim=1)))
        if weights:
            graphs[-1].edge_weight = torch.ones(2 * n - 2)
    store = GraphStore.from_data(graphs, categorical=False)
    meaning = Features((Column("element", tuple(names)), Column("size")))
    return dataclasses.replace(
        store, y=torch.arange(12) % 2, vocabulary=Vocabulary(meaning, Features())
    )


def trained(folder, store: GraphStore, config: Config = SMALL) -> Trainer:
    """Write the run folder of one training, and return its trainer."""
    trainer = Trainer(config, store)
    run = RunFolder.create(str(folder), "", trainer.config.to_dict())
    every = np.arange(len(store))
    spec = trainer.describe(every)
    trainer.fit(every, 0, spec, checkpoint=run.checkpoint("seed0", spec.to_json()))
    return trainer


def test_the_untrained_encoder_is_the_trained_one_of_the_other_run(tmp_path) -> None:
    store = atoms("CNO")
    source = trained(tmp_path / "a", store)
    run = Run.open(tmp_path / "a")
    expected = source.embed(run.model("seed0"), run.spec("seed0"))
    trainer = Trainer(dataclasses.replace(SMALL, init_from=str(tmp_path / "a"), seed=5), store)
    spec = trainer.describe(np.arange(3))
    assert spec.vocabulary == run.spec("seed0").vocabulary  # its mean, not that of three graphs
    assert np.array_equal(trainer.embed(trainer.model(5), spec), expected)
    head = run.model("seed0").head.state_dict()
    assert all(head[k].equal(v) for k, v in trainer.model(5).head.state_dict().items())
    moved = trainer.embed(trainer.fit(np.arange(12), 5), spec)
    assert not np.allclose(moved, expected)


def test_other_graphs_are_read_by_name_and_what_is_new_is_named(tmp_path) -> None:
    source = trained(tmp_path / "a", atoms("CNO"))
    other = atoms("OFC", seed=1)
    config = dataclasses.replace(SMALL, init_from=str(tmp_path / "a"))
    with pytest.warns(UserWarning, match="training never saw the value of .* with 'element'"):
        trainer = Trainer(config, other)
    spec = Run.open(tmp_path / "a").spec("seed0")
    x = spec.prepare(other).batch([0]).x
    assert trainer.store.batch([0]).x.equal(x)
    assert trainer.spec.in_channels == source.spec.in_channels == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        trainer.embed(trainer.fit(np.arange(12), 0), trainer.describe(np.arange(12)))


def test_a_head_of_another_shape_is_new_and_named(tmp_path) -> None:
    trained(tmp_path / "a", atoms("CNO"))
    config = dataclasses.replace(
        SMALL, init_from=str(tmp_path / "a"), projection=ProjectionConfig(dim=3)
    )
    with pytest.warns(UserWarning, match="The projection head of seed0 of .* another shape"):
        trainer = Trainer(config, atoms("CNO", seed=1))
    assert trainer.model(0).head.lins[-1].out_channels == 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hidden": 16}, "--hidden 16 where it has 8: give --hidden 8"),
        ({"backbone": "gcn"}, "--backbone gcn where it has gin"),
        ({"encoder": EncoderConfig(jk="last")}, "--encoder.jk last where it has cat"),
        ({"encoder": EncoderConfig(options={"eps": 1.0})}, "--encoder.options"),
        ({"encoder": EncoderConfig(embedding=4)}, "--encoder.embedding 4 where it has None"),
    ],
)
def test_an_encoder_of_another_make_is_refused(tmp_path, changes, sentence) -> None:
    trained(tmp_path / "a", atoms("CNO"))
    config = dataclasses.replace(SMALL, init_from=str(tmp_path / "a"), **changes)
    with pytest.raises(UserError, match=sentence) as told:
        Trainer(config, atoms("CNO", seed=1))
    assert "\n" not in str(told.value)


def test_graphs_without_what_the_encoder_reads_are_refused(tmp_path) -> None:
    gcn = dataclasses.replace(SMALL, backbone="gcn")
    trained(tmp_path / "a", atoms("CNO", weights=True), gcn)
    config = dataclasses.replace(gcn, init_from=str(tmp_path / "a"))
    with pytest.raises(UserError, match="graphs with edge_weight, which the encoder was"):
        Trainer(config, atoms("CNO"))
    with pytest.raises(UserError, match="node feature 'element'"):
        Trainer(config, dataclasses.replace(atoms("CNO", weights=True), vocabulary=None))


def test_labels_that_were_seen_do_not_reach_a_test_fold(tmp_path) -> None:
    store = atoms("CNO")
    supervised = dataclasses.replace(SMALL, objective="h-scl", protocol="inductive")
    trained(tmp_path / "labels", store, supervised)
    trained(tmp_path / "none", store, dataclasses.replace(SMALL, protocol="transductive"))
    start = dataclasses.replace(SMALL, init_from=str(tmp_path / "labels"))
    with pytest.raises(UserError, match="saw no labels of these graphs, but seed0 of"):
        Trainer(start, store)
    Trainer(start, atoms("CNO", seed=1))
    start = dataclasses.replace(supervised, init_from=str(tmp_path / "none"))
    with pytest.warns(UserWarning, match="on the graphs of all folds, without their labels"):
        Trainer(start, store)


def test_a_folder_without_weights_is_one_sentence(tmp_path) -> None:
    settings = Config(dataset="MUTAG").to_dict()
    folder = RunFolder.create(str(tmp_path / "empty"), "", settings)
    with pytest.raises(UserError, match=r"a run with a trained part, but .* has none"):
        Trainer(dataclasses.replace(SMALL, init_from=str(folder.path)), load("MUTAG"))


def test_weights_are_identified_by_their_content(tmp_path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        trained(tmp_path / name, atoms("CNO", seed=seed))
    a, b, c = (read_pretrained(str(tmp_path / name)).sha256 for name in "abc")
    assert a == b != c
    assert make_config({"init_from": "x"}).init_from == "x"


def of_two_parts(folder, store: GraphStore) -> None:
    """Write a run of two parts, of seeds 0 and 1."""
    trained(folder, store)
    second = Trainer(SMALL, store)
    run = RunFolder.open(str(folder))
    every = np.arange(len(store))
    spec = second.describe(every)
    second.fit(every, 1, spec, checkpoint=run.checkpoint("seed1", spec.to_json()))


def test_a_part_is_named_by_its_file(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    of_two_parts(tmp_path / "a", atoms("CNO"))
    with pytest.warns(UserWarning, match=r"2 trained parts; .* seed0: .*such as a/.*seed1.safet"):
        first = read_pretrained("a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = [read_pretrained(f"a/checkpoint/seed{k}.safetensors") for k in (0, 1)]
    assert parts[0].sha256 == first.sha256 != parts[1].sha256
    run = Run.open("a")
    for part, name in zip(parts, ("seed0", "seed1"), strict=True):
        own = run.model(name).state_dict()
        assert all(own[key].equal(value) for key, value in part.weights.items())
    for wrong in ("a/checkpoint/seed7.safetensors", "a/seed0.safetensors", "b.safetensors"):
        with pytest.raises(UserError, match=r"or the file RUN/checkpoint/PART.safetensors of") as e:
            read_pretrained(wrong)
        assert "\n" not in str(e.value)
    assert "has seed0, seed1" in str(read_error("a/checkpoint/seed7.safetensors"))


def read_error(path: str) -> UserError:
    with pytest.raises(UserError) as caught:
        read_pretrained(path)
    return caught.value


def test_a_model_starts_from_a_run_or_a_part(tmp_path) -> None:
    store = atoms("CNO")
    of_two_parts(tmp_path / "a", store)
    file = tmp_path / "a" / "checkpoint" / "seed1.safetensors"
    arguments = {"hidden": 8, "layers": 2, "epochs": 0, "device": "cpu"}
    run = Run.open(tmp_path / "a")
    source = Trainer(SMALL, store)
    for part, given in (("seed1", file), ("seed1", str(file)), ("seed0", str(tmp_path / "a"))):
        model = GraphContrast(init_from=given, **arguments)
        if part == "seed0":
            with pytest.warns(UserWarning, match="the weights are those of seed0"):
                model.fit(store)
        else:
            model.fit(store)
        assert np.array_equal(model.transform(store), source.embed(run.model(part), run.spec(part)))
    model.save(tmp_path / "saved")
    with pytest.raises(UserError, match="a run folder with a config"):
        GraphContrast(init_from="nowhere", **arguments).fit(store)


def test_other_folds_may_hold_graphs_that_an_inductive_part_saw(tmp_path) -> None:
    store = atoms("CNO")
    trained(tmp_path / "none", store, dataclasses.replace(SMALL, protocol="inductive"))
    start = dataclasses.replace(
        SMALL, objective="h-scl", protocol="inductive", init_from=str(tmp_path / "none")
    )
    with pytest.warns(UserWarning, match="on test graphs of other folds, without their labels"):
        Trainer(start, store)
