"""What a newcomer may type around a training ends in one sentence that says what to type."""

import dataclasses
from functools import partial
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import GIN

from graph_hcl import GraphContrast
from graph_hcl.augment import Compose, EdgeDrop, RandomChoice, View, ViewSampler
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.losses import HUCL, UCL
from graph_hcl.nn import (
    ContrastiveModel,
    GraphEncoder,
    make_backbone,
    make_readout,
    normalize,
    perturbed,
)
from graph_hcl.training import (
    Checkpoint,
    Diagnosis,
    History,
    Log,
    MixedPrecision,
    Snapshot,
    TemperatureDiagnosis,
    Tracker,
    TrainingSettings,
    embed,
    embed_nodes,
    fit,
)
from graph_hcl.training.callbacks import CheckpointWriter
from graph_hcl.training.trackers import Logger
from tests.one_sentence import ends_in_one_sentence

GRAPHS = [nx.cycle_graph(n) for n in range(3, 9)]
SMALL = {"epochs": 1, "hidden": 4, "layers": 1}
CPU = torch.device("cpu")
Settings = partial(TrainingSettings, epochs=2, batch_size=16)


def store() -> GraphStore:
    return load("digits")[:8]


def encoder() -> GraphEncoder:
    return GraphEncoder(make_backbone("gin", store().num_features, 4, 2), 8)


def model(**given) -> ContrastiveModel:
    return ContrastiveModel(encoder(), **given)


def trained(**given) -> ContrastiveModel:
    arguments = {
        "model": model(),
        "objective": UCL(),
        "sampler": ViewSampler([EdgeDrop(0.2)] * 2),
        "store": store(),
        "indices": torch.arange(8),
        "settings": TrainingSettings(1, 4),
        "device": CPU,
    }
    return fit(**(arguments | given))


class Pooling(nn.Module):
    def forward(self, x, edge_index):
        return x.sum(0)


class Twice(nn.Module):
    def forward(self, x, edge_index):
        return x, x


def batch(**changes):
    made = store().batch([0, 1])
    for name, change in changes.items():
        made[name] = change(made[name])
    return made


SETTINGS = {
    "bf16 for a precision": ({"precision": "bf16"}, "precision to be 32-true, bf16-mixed or 16-"),
    "16 for a precision": ({"precision": "16"}, "precision to be 32-true, bf16-mixed or 16-mixed"),
    "a schedule cut short": ({"schedule": "cos"}, "schedule to be constant, cosine or linear, but"),
    "no schedule": ({"schedule": None}, "schedule to be constant, cosine or linear, but got None"),
    "gradient ascent": ({"clip": -1.0}, r"clip to be above 0, but got -1\.0"),
    "batches of one graph": ({"batch_size": 1}, r"batch_size to be 2 or more \(a contrast needs"),
    "batches of none": ({"batch_size": 0}, "batch_size to be 2 or more"),
    "a float for a batch": ({"batch_size": 16.0}, r"batch_size to be a whole number, but got 16\."),
    "half an epoch": ({"epochs": 1.5}, "epochs to be a whole number, but got 1.5"),
    "epochs as text": ({"epochs": "3"}, "epochs to be a whole number, but got '3'"),
    "a switch for epochs": ({"epochs": True}, "epochs to be a whole number, but got True"),
    "less than no epochs": ({"epochs": -1}, "epochs to be 0 or more, but got -1"),
    "a large momentum": ({"momentum": 2.0, "optimizer": "sgd"}, r"momentum to be in \[0, 1\), but"),
    "a negative warm-up": ({"warmup": -1.0}, r"warmup to be 0 or more, but got -1\.0"),
    "a warm-up without end": ({"warmup": 3}, "warmup to be at most the number of epochs, 2, but"),
    "no nodes": ({"max_nodes": 0}, "max_nodes to be 1 or more, but got 0"),
    "half a seed": ({"seed": 1.5}, "seed to be a whole number, but got 1.5"),
    "a negative seed": ({"seed": -1}, "seed to be 0 or more, but got -1"),
    "a seed too large": ({"seed": 2**70}, "seed to be 18446744073709551614 or less"),
    "no rate": ({"lr": 0}, "lr to be above 0, but got 0"),
    "a rate that is no number": ({"lr": float("nan")}, "lr to be above 0, but got nan"),
    "a rate as text": ({"lr": "1e-3"}, "lr to be a number, but got '1e-3'"),
    "a negative decay": ({"weight_decay": -0.1}, r"weight_decay to be 0 or more, but got -0\.1"),
    "a class for an optimizer": ({"optimizer": torch.optim.Adam}, "optimizer to be a string, but"),
    "a word for a switch": ({"cuda_graphs": "no"}, "cuda_graphs to be True or False, but got 'no'"),
}

MISTAKES = {
    "a precision": (lambda: MixedPrecision("bf16", CPU), "precision to be 32-true, bf16-mixed or"),
    "no checkpoint to write": (
        lambda: trained(checkpoint_every=1),
        "a checkpoint with checkpoint_every=1, but got none: give both, or none of them",
    ),
    "a checkpoint after no step": (
        lambda: trained(checkpoint=Checkpoint("a.safetensors"), checkpoint_every=0),
        "checkpoint_every to be 1 or more, but got 0",
    ),
    "an encoder alone": (
        lambda: trained(model=encoder()),
        r"a network with an encoder, but got GraphEncoder: write graph_hcl\.nn\.ContrastiveModel\(",
    ),
    "a network of another kind": (
        lambda: trained(model=nn.Linear(1, 1)),
        "a network with an encoder, but got Linear",
    ),
    "a class for a model": (
        lambda: trained(model=ContrastiveModel),
        "a network with an encoder, but got the class ContrastiveModel",
    ),
    "a logger that cannot end": (
        lambda: Tracker(type("Half", (), {"log_metrics": print, "log_hyperparams": print})()),
        "methods log_hyperparams, log_metrics, finalize, .* without finalize",
    ),
    "the class of a logger": (
        lambda: Tracker(Logger),
        "methods log_hyperparams, log_metrics, finalize, .*: give an instance",
    ),
    "a writer after no step": (
        lambda: CheckpointWriter(Checkpoint("a.safetensors"), every=0),
        "checkpoint_every to be 1 or more",
    ),
    "a width without a head": (
        lambda: model(layers=0, dim=4),
        "no dim without a head, but got dim=4 with layers=0: leave it out, .* as embeddings, 8, or",
    ),
    "no width without a head": (lambda: model(layers=0, dim=0), "dim to be 1 or more, but got 0"),
    "no width": (lambda: model(dim=0), "dim to be 1 or more, but got 0"),
    "less than no width": (lambda: model(dim=-1), "dim to be 1 or more, but got -1"),
    "less than no head": (lambda: model(layers=-1), "layers to be 0 or more, but got -1"),
    "no word for a sphere": (
        lambda: model(normalization=None),
        "normalization to be a string, but got None",
    ),
    "negative noise": (lambda: perturbed(-1.0), r"noise to be 0 or more, but got -1\.0"),
    "noise that is no number": (lambda: perturbed(float("nan")), "noise to be 0 or more, but got"),
    "noise without end": (
        lambda: perturbed(float("inf")),
        "noise to be 0 or more and finite, but got inf",
    ),
    "noise as text": (lambda: perturbed("a"), "noise to be a number, but got 'a'"),
    "no indices": (
        lambda: trained(indices=[]),
        "indices of at least one graph to train on, but got none",
    ),
    "a mask of none": (
        lambda: trained(indices=torch.zeros(8).bool()),
        "indices of at least one graph to train on",
    ),
    "a mask of other graphs": (
        lambda: trained(indices=torch.ones(9).bool()),
        r"whole numbers \[B\] or a mask \[8\] to choose graphs",
    ),
    "a text for indices": (lambda: trained(indices="all"), r"whole numbers \[B\] or a mask \[8\]"),
    "a device that is none": (
        lambda: trained(device="gpu"),
        r"device to be one that is available, such as torch.device\('cpu'\), but got 'gpu'",
    ),
    "no device": (
        lambda: embed(model(), store(), None),
        "device to be one that is available, .* N",
    ),
    "a list of graphs": (
        lambda: trained(store=list(store())),
        "the graphs as a GraphStore, but got list: make one with graph_hcl.data.as_store",
    ),
    "a list to embed": (
        lambda: embed(model(), list(store()), CPU),
        "the graphs as a GraphStore, but got list",
    ),
    "an encoder to embed by": (
        lambda: embed(encoder(), store(), CPU),
        r"a network with an encoder, but got GraphEncoder: write graph_hcl\.nn\.ContrastiveModel\(",
    ),
    "an encoder of nodes": (
        lambda: embed_nodes(encoder(), store(), CPU),
        "a network with an encoder of nodes, but got GraphEncoder",
    ),
    "a head on a network": (
        lambda: ContrastiveModel(make_backbone("gin", 7, 4, 2)),
        r"encoder to be a GraphEncoder, but got GIN: write GraphEncoder\(backbone, out_channels\)",
    ),
    "a number for an embedding": (
        lambda: GraphEncoder(GIN(7, 8, 2), 8, embedding=5),
        "embedding to be a module or None, but got 5",
    ),
    "no read-out": (
        lambda: make_readout(None, 8),
        "a read-out by its name, such as sum, or what can be called, but got None",
    ),
    "nodes of a list": (
        lambda: embed_nodes(model(), list(store()), CPU),
        "the graphs as a GraphStore, but got list",
    ),
    "no nodes at once": (
        lambda: embed(model(), store(), CPU, max_nodes=0),
        "max_nodes to be 1 or more, but got 0",
    ),
    "a dictionary of settings": (
        lambda: trained(settings={"epochs": 1}),
        r"settings to be a TrainingSettings, but got dict: write TrainingSettings\(epochs=…",
    ),
    "a path for a checkpoint": (
        lambda: trained(checkpoint="a.safetensors"),
        r"checkpoint to be a Checkpoint, but got str: write Checkpoint\('NAME.safetensors'\)",
    ),
    "one callback": (lambda: trained(callbacks=History()), "callbacks to be a list, but got <.*"),
    "no callbacks": (lambda: trained(callbacks=None), "callbacks to be a list, but got None"),
    "a class for a callback": (lambda: trained(callbacks=[History]), "give an instance of a class"),
    "views for a sampler": (
        lambda: trained(sampler=[EdgeDrop(0.2)]),
        r"sampler to be a function of a store, the graphs of each step and a generator, but got \[",
    ),
    "no views": (lambda: ViewSampler([]), "at least one augmentation in a ViewSampler, but got no"),
    "one view": (
        lambda: ViewSampler(EdgeDrop(0.2)),
        "a list of augmentations in a ViewSampler, but got EdgeDrop",
    ),
    "text for views": (
        lambda: ViewSampler("edge_drop(0.2)"),
        "a list of augmentations in a ViewSampler, but got 'edge_drop",
    ),
    "views as text": (
        lambda: ViewSampler(["edge_drop(0.2)"]),
        r"in a View, but got 'edge_drop\(0.2\)': make one of it with graph_hcl.augment.parse",
    ),
    "a class for a view": (
        lambda: ViewSampler([EdgeDrop]),
        r"augmentations `\(batch, generator\) -> Edit` in a View, but got .*: give an instance",
    ),
    "a number for an encoding": (
        lambda: View(EdgeDrop(0.2), 0.1),
        "encode to be a function of a model and a batch, but got 0.1",
    ),
    "parts as text": (
        lambda: Compose(["edge_drop"]),
        "in Compose, but got 'edge_drop': make one of it",
    ),
    "one part": (
        lambda: RandomChoice(EdgeDrop(0.2)),
        "a list of augmentations in RandomChoice, but got EdgeDrop",
    ),
    "a class for a part": (lambda: RandomChoice((EdgeDrop,)), "in RandomChoice, but got <class"),
    "a file for a log": (
        lambda: Log("x.txt"),
        "write to be a function of the record of an epoch, but got 'x.txt'",
    ),
    "a file for a snapshot": (lambda: Snapshot("x.txt"), "take to be a function of the state of a"),
    "a number for a diagnosis": (lambda: Diagnosis(3), "diagnose to be a function of z, graph, la"),
    "a diagnosis every none": (
        lambda: Diagnosis(every=0),
        "every to be 1 or more, but got 0",
    ),
    "a temperature every none": (lambda: TemperatureDiagnosis(0), "every to be 1 or more, but got"),
    "a width as text": (
        lambda: GraphEncoder(GIN(7, 8, 2), "8"),
        "out_channels to be a whole number, but got '8'",
    ),
    "another width": (
        lambda: GraphEncoder(GIN(batch().num_features, 8, 2), 16)(batch()),
        r"the backbone to return \[nodes, features\], \[\d+, 16\], but got \[\d+, 8\]: give its ",
    ),
    "another width below a head": (
        lambda: ContrastiveModel(GraphEncoder(GIN(batch().num_features, 8, 2), 16))(batch()),
        r"the backbone to return \[nodes, features\], \[\d+, 16\], but got \[\d+, 8\]",
    ),
    "another width of several layers": (
        lambda: GraphEncoder(make_backbone("gin", batch().num_features, 8, 2), 8)(batch()),
        r"the backbone to return \[nodes, features\], \[\d+, 8\], but got \[\d+, 16\]",
    ),
    "a backbone that pools": (
        lambda: GraphEncoder(Pooling(), batch().num_features)(batch()),
        r"the backbone to return \[nodes, features\], \[\d+, \d+\], but got \[\d+\]\.",
    ),
    "a backbone with two results": (
        lambda: GraphEncoder(Twice(), batch().num_features, "mean")(batch()),
        r"the backbone to return \[nodes, features\], \[\d+, \d+\], but got tuple",
    ),
    "other features": (
        lambda: encoder()(batch(x=lambda x: torch.ones(len(x), 9))),
        r"node features x \[n, \d+\], for which the encoder was made, but got \[\d+, 9\]",
    ),
    "other features of an embedding": (
        lambda: GraphEncoder(GIN(4, 8, 2), 8, embedding=nn.Linear(7, 4))(
            batch(x=lambda x: torch.ones(len(x), 9))
        ),
        r"node features x \[n, 7\], for which the encoder was made, but got \[\d+, 9\]",
    ),
    "features in double precision": (
        lambda: encoder()(batch(x=lambda x: x.double())),
        "node features x of torch.float32, as the weights of the encoder, but got torch.float64",
    ),
    "features of an array": (
        lambda: normalize(np.ones((2, 2))),
        "features as a tensor of a floating type, but got ndarray",
    ),
    "whole features": (
        lambda: normalize(torch.ones(2, 2).long()),
        "features as a tensor of a floating type, but got torch.int64",
    ),
    "no normalisation": (
        lambda: normalize(torch.ones(2, 2), None),
        "the normalization to be a string, but got None",
    ),
    "no file": (
        lambda: Checkpoint("missing.safetensors").load(model()),
        "a checkpoint at missing.safetensors, but there is no such file",
    ),
    "no file of weights": (
        lambda: Checkpoint("missing.safetensors").weights(),
        "a checkpoint at missing.safetensors, but there is no such file",
    ),
    "a folder of weights": (
        lambda: Checkpoint(".").weights(),
        r"to use \., but got 'Is a directory': name a file",
    ),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("mistake", SETTINGS)
def test_a_mistake_in_the_settings(mistake: str) -> None:
    given, sentence = SETTINGS[mistake]
    ends_in_one_sentence(lambda: Settings(**given), sentence)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_in_one_sentence(mistake: str) -> None:
    ends_in_one_sentence(*MISTAKES[mistake])


def test_a_normalisation_is_known_before_anything_is_computed() -> None:
    with pytest.raises(UserError, match="Unknown normalization 'l2': expected one of sphere, ball"):
        model(normalization="l2")


@pytest.mark.parametrize("name", ["lr", "weight_decay", "warmup"])
def test_settings_of_a_training_are_finite(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} to be .* and finite, but got inf"):
        Settings(epochs=2, batch_size=2, **{name: float("inf")})


def test_what_a_config_takes_is_taken() -> None:
    for given in (
        {"epochs": 0, "warmup": 3},
        {"epochs": np.int64(3), "batch_size": np.int64(2), "seed": np.int64(1)},
        {"lr": np.float32(0.1), "weight_decay": 0, "clip": float("inf"), "warmup": 2},
        {"seed": 2**63 - 1, "max_nodes": 1, "momentum": 0, "optimizer": "pkg.module:Mine"},
    ):
        made = Settings(**given)
        assert {name: getattr(made, name) for name in given} == given


class Network(torch.nn.Module):
    """A network that has an encoder, and nothing else of `ContrastiveNetwork`."""

    def __init__(self, encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, given):
        return self.encoder(given)


def test_what_is_trained_can_be_embedded() -> None:
    network = trained(model=Network(encoder()))
    alike = model()
    alike.encoder.load_state_dict(network.encoder.state_dict())
    np.testing.assert_array_equal(embed(network, store(), CPU), embed(alike, store(), CPU))
    ours = embed_nodes(network, store(), CPU), embed_nodes(alike, store(), CPU)
    assert all(map(np.array_equal, *ours))
    with pytest.raises(UserError, match="an encoder of nodes, but got Network"):
        embed_nodes(Network(nn.Linear(1, 1)), store(), CPU)


def test_a_head_that_is_none_has_the_width_of_embeddings() -> None:
    assert model(layers=0, dim=8)(batch()).shape == (2, 8)


@pytest.mark.parametrize(
    "indices",
    [
        [1, 3, 4, 6],
        np.array([1, 3, 4, 6]),
        torch.tensor([1, 3, 4, 6], dtype=torch.int32),
        torch.tensor([False, True, False, True, True, False, True, False]),
        np.array([False, True, False, True, True, False, True, False]),
        [1, 3, -4, -2],
    ],
    ids=["list", "array", "short", "mask", "mask of an array", "from the end"],
)
def test_graphs_are_chosen_as_a_store_is_indexed(indices) -> None:
    def weights(chosen) -> list[torch.Tensor]:
        torch.manual_seed(0)
        return list(trained(model=model(), indices=chosen, device="cpu").parameters())

    for one, other in zip(weights(torch.tensor([1, 3, 4, 6])), weights(indices), strict=True):
        assert torch.equal(one, other)


def test_a_number_of_no_graph_is_an_error_of_indices() -> None:
    with pytest.raises(IndexError):
        trained(indices=[99])


def test_no_graphs_have_no_embeddings() -> None:
    network = model(dim=3)
    assert embed(network, store()[:0], CPU).shape == (0, 8)
    assert embed(network, store()[:0], CPU, projected=True).shape == (0, 3)
    assert embed_nodes(network, store()[:0], CPU) == []


def test_none_leaves_the_default_of_callbacks_and_device() -> None:
    made = GraphContrast(callbacks=None, device=None, random_state=0, **SMALL).fit(GRAPHS)
    assert made.transform(GRAPHS).shape == (6, 4)
    assert len(made.transform_nodes(GRAPHS)) == 6


def test_an_object_is_handed_over_again_for_one_of_its_kind() -> None:
    GraphContrast(HUCL(beta=2.0), random_state=0, **SMALL).fit(GRAPHS).save("run")
    with pytest.raises(UserError, match=r"^Expected the objective HUCL again, .*, but got UCL: "):
        GraphContrast.load("run", objective=UCL())
    loaded = GraphContrast.load("run", objective=HUCL(beta=2.0))
    assert loaded.transform(GRAPHS).shape == (6, 4)


def test_a_training_without_a_checkpoint_is_one_of_any_config() -> None:
    from graph_hcl.config import Config
    from graph_hcl.trainer import Trainer

    config = Config(dataset="MUTAG", epochs=1, hidden=4, layers=1, checkpoint_every=2)
    Trainer(config, dataclasses.replace(store(), edge_attr=None)).fit(np.arange(8), 0)
