"""Objects in the place of named parts: used as names are, kept by name, asked for again."""

import dataclasses
import functools
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GINEConv, Set2Set, global_mean_pool

from graph_hcl.augment import EdgeDrop, Edit, Identity
from graph_hcl.config import Config, EncoderConfig, LossConfig, ProjectionConfig
from graph_hcl.data import GraphStore, load
from graph_hcl.errors import UserError
from graph_hcl.factory import complete_config, make_sampler
from graph_hcl.losses import HUCL, UCL, ContrastiveLoss
from graph_hcl.model_factory import make_model
from graph_hcl.nn.layers import GCN
from graph_hcl.objective_factory import make_objective
from graph_hcl.parts import Parts, shown
from graph_hcl.registries import BACKBONES
from graph_hcl.run import Run
from graph_hcl.trainer import Trainer
from graph_hcl.training import RunFolder

ALL = np.arange(40)


def molecule(kind: int, size: int) -> Data:
    """Return a ring whose bonds alone tell the class."""
    around = torch.arange(size)
    edges = torch.stack([around, around.roll(1)])
    bonds = torch.full((size, 1), float(kind)) + 0.1 * torch.rand(size, 1)
    return Data(
        x=torch.ones(size, 3),
        edge_index=torch.cat([edges, edges.flip(0)], dim=1),
        edge_attr=torch.cat([bonds, bonds]),
        y=torch.tensor(kind),
    )


@pytest.fixture(scope="module")
def molecules() -> GraphStore:
    torch.manual_seed(0)
    return GraphStore.from_data([molecule(kind, size) for size in range(5, 25) for kind in (0, 1)])


class Bonds(nn.Module):
    def __init__(self, in_channels, hidden_channels, num_layers, edge_dim, width=8):
        super().__init__()
        self.first, self.width = nn.Linear(in_channels, hidden_channels), width
        self.convs = nn.ModuleList(
            GINEConv(nn.Linear(hidden_channels, hidden_channels), edge_dim=edge_dim)
            for _ in range(num_layers)
        )

    def forward(self, x, edge_index, edge_attr):
        x = self.first(x)
        for conv in self.convs:
            x = conv(x, edge_index, edge_attr).relu()
        return x


class DropFirstFeature:
    def __call__(self, batch, generator):
        masked = torch.zeros_like(batch.x, dtype=torch.bool)
        masked[:, 0] = True
        return Edit(masked=masked)


def changes_nothing(batch, generator):
    return Edit()


class Counting(ContrastiveLoss):
    """Stateful on purpose: its loss grows with its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, *args, **keys):
        self.calls += 1
        return super().forward(*args, **keys) * self.calls


OBJECTS = Parts(
    backbone=functools.partial(Bonds, width=4),
    objective=Counting(),
    views=[DropFirstFeature(), "edge_drop(0.1)"],
    readout=functools.partial(Set2Set, processing_steps=2),
)
SMALL = Config(dataset="MUTAG", hidden=8, layers=2, epochs=2, device="cpu")


def embeddings(config: Config, store: GraphStore, parts: Parts | None = None) -> np.ndarray:
    trainer = Trainer(config, store, parts or Parts())
    every = np.arange(len(store))
    return trainer.embed(trainer.fit(every, 0), trainer.describe(every))


def test_objects_train_and_leave_no_state_behind(molecules) -> None:
    trainer = Trainer(SMALL, molecules, OBJECTS)
    first = trainer.fit(ALL, 0)
    spec = trainer.describe(ALL)
    assert spec.fields == ("edge_attr",)
    column = spec.vocabulary.edge.columns[0]
    assert column.mean == pytest.approx(float(molecules.edge_attr.mean()), abs=1e-5)
    assert column.std == pytest.approx(float(molecules.edge_attr.std(correction=0)), abs=1e-5)
    z = trainer.embed(first, spec)
    assert z.shape == (40, 16)
    assert np.array_equal(trainer.embed(trainer.fit(ALL, 0), spec), z)
    assert OBJECTS.objective.calls == 0
    assert first.encoder.backbone.width == 4


def test_the_state_of_an_object_outside_does_not_reach_a_trainer(molecules) -> None:
    loss = Counting()
    trainer = Trainer(SMALL, molecules, Parts(objective=loss, backbone=Bonds))
    z = trainer.embed(trainer.fit(ALL, 0), trainer.describe(ALL))
    loss.calls = 1000
    assert np.array_equal(trainer.embed(trainer.fit(ALL, 0), trainer.describe(ALL)), z)


@pytest.mark.filterwarnings("ignore:Not read in this run")
@pytest.mark.parametrize(
    ("parts", "named"),
    [
        (Parts(objective=HUCL(beta=0.7)), {"beta": 0.7}),
        (Parts(objective=UCL), {"objective": "ucl"}),
        (Parts(backbone=GCN), {"backbone": "gcn"}),
        (Parts(backbone=functools.partial(GCN, bias=False)), {"backbone": "gcn"}),
        (Parts(views=[EdgeDrop(0.3), "identity"]), {"views": ["edge_drop(0.3)", "identity"]}),
        (Parts(readout=global_mean_pool), {"readout": "mean"}),
    ],
    ids=["loss", "class", "backbone", "partial", "views", "readout"],
)
def test_an_object_does_what_its_name_does(parts, named) -> None:
    store = load("MUTAG")
    options = {"bias": False} if isinstance(parts.backbone, functools.partial) else {}
    config = Config(
        dataset="MUTAG", **named, hidden=8, epochs=1, encoder=EncoderConfig(options=options)
    )
    plain = Config(dataset="MUTAG", hidden=8, epochs=1)
    assert np.array_equal(embeddings(plain, store, parts), embeddings(config, store))


def test_names_are_kept_where_they_say_all() -> None:
    config = Parts(
        backbone=GCN,
        objective=UCL,
        views=[EdgeDrop(0.3), Identity(), DropFirstFeature(), lambda batch, generator: Edit()],
        readout=global_mean_pool,
    ).named(Config(dataset="MUTAG"))
    assert (config.backbone, config.objective, config.readout) == ("gcn", "ucl", "mean")
    assert config.views[:3] == ["edge_drop(0.3)", "identity", "in memory: DropFirstFeature"]
    assert shown(config.views[3]) == "<lambda>"
    assert (
        Parts(backbone=torch.nn.Linear).named(Config(dataset="MUTAG")).backbone.endswith(":Linear")
    )
    local = type("Local", (nn.Module,), {})
    assert Parts(backbone=local).named(Config(dataset="MUTAG")).backbone == "in memory: Local"
    assert (
        Parts(objective=global_mean_pool)
        .named(Config(dataset="MUTAG"))
        .objective.startswith("in memory")
    )
    again = Parts(backbone=local).named(Parts(backbone=local).named(Config(dataset="MUTAG")))
    assert again.backbone == "in memory: Local"


def test_a_function_as_view_goes_by_its_import_path() -> None:
    parts = Parts(views=[changes_nothing, "identity"])
    config = parts.named(Config(dataset="MUTAG"))
    assert config.views == ["tests.test_parts:changes_nothing", "identity"]
    earlier = dataclasses.replace(config, views=["in memory: changes_nothing", "identity"])
    assert parts.named(earlier) == earlier  # a run of a version that named no functions


def test_a_run_folder_asks_for_what_it_cannot_hold(molecules, tmp_path) -> None:
    trainer = Trainer(SMALL, molecules, OBJECTS)
    folder = RunFolder.create(str(tmp_path / "run"), "", trainer.config.to_dict())
    spec = trainer.describe(ALL)
    checkpoint = folder.checkpoint("seed0", spec.to_json())
    z = trainer.embed(trainer.fit(ALL, 0, spec, checkpoint=checkpoint), spec)
    with pytest.raises(UserError, match="Expected the backbone 'Bonds' to be handed over") as told:
        Run.open(folder.path).model("seed0")
    assert "\n" not in str(told.value)
    again = Run.open(folder.path, objects=OBJECTS)
    assert np.array_equal(trainer.embed(again.model("seed0"), again.spec("seed0")), z)
    only = Run.open(folder.path, objects=Parts(backbone=OBJECTS.backbone))
    with pytest.raises(UserError, match="Expected the readout 'Set2Set' to be handed over"):
        only.model("seed0")
    for make, word in ((make_objective, "objective 'Counting'"), (make_sampler, "DropFirst")):
        with pytest.raises(UserError, match=f"{word}.* to be handed over"):
            make(again.config)
    with pytest.raises(
        UserError, match="the backbone Bonds again, which the model was trained with, but got gcn"
    ):
        Run.open(folder.path, objects=Parts(backbone=GCN))


class Uncopyable(ContrastiveLoss):
    def __deepcopy__(self, memo):
        raise TypeError("no")


@pytest.mark.parametrize(
    ("config", "parts", "sentence"),
    [
        (
            Config(dataset="MUTAG", beta=1.0),
            Parts(objective=UCL()),
            "no --beta with the objective UCL",
        ),
        (
            Config(dataset="MUTAG", loss=LossConfig(tau_plus=0.1, options={"a": 1})),
            Parts(objective=UCL()),
            "no --loss.tau-plus and no --loss.options",
        ),
        (Config(dataset="MUTAG", beta=1.0), Parts(objective=UCL), "'ucl' takes no --beta"),
        (Config(dataset="MUTAG", objective="scl"), Parts(objective=UCL()), "got both scl and UCL"),
        (
            Config(dataset="MUTAG", backbone="gcn"),
            Parts(backbone=Bonds),
            "got both gcn and .*Bonds",
        ),
        (
            Config(dataset="MUTAG", readout="max"),
            Parts(readout=global_mean_pool),
            "got both max and mean",
        ),
        (
            Config(dataset="MUTAG", views=["identity"]),
            Parts(views=[Identity()] * 2),
            "got both identity and",
        ),
        (Config(dataset="MUTAG"), Parts(views=[Identity]), "give an instance"),
        (Config(dataset="MUTAG"), Parts(views=["nonsense(3)"]), "Unknown augmentation 'nonsense'"),
        (Config(dataset="MUTAG"), Parts(objective=Uncopyable()), "an objective that can be copied"),
        (
            Config(dataset="MUTAG", projection=ProjectionConfig(normalize="none")),
            Parts(objective=UCL()),
            "normalize=False of the objective UCL with --projection.normalize none",
        ),
    ],
)
def test_mistakes_are_one_sentence(config, parts, sentence) -> None:
    with pytest.raises(UserError, match=sentence) as told:
        complete_config(config, parts)
    assert "\n" not in str(told.value)


def test_a_module_is_no_backbone_and_a_readout_is_no_one_elses(molecules) -> None:
    with pytest.raises(UserError, match="a class or function that makes the backbone"):
        Trainer(SMALL, molecules, Parts(backbone=nn.Linear(2, 2)))
    pool = Set2Set(16, 2)
    parts = Parts(readout=pool, backbone=Bonds)
    trainer = Trainer(Config(dataset="MUTAG", hidden=16, device="cpu"), molecules, parts)
    one, two = trainer.model(0).encoder.readout, trainer.model(1).encoder.readout
    assert one is not two
    assert one is not pool
    assert make_model(SMALL, trainer.spec, Parts(backbone=Bonds, readout=global_mean_pool))
    with pytest.raises(UserError, match="The read-out 'Set2Set' cannot be made"):
        make_model(SMALL, trainer.spec, Parts(backbone=Bonds, readout=Set2Set))


READS = {
    "gin": set(),
    "gine": {"edge_attr"},
    "gps": {"edge_attr"},
    "gcn": {"edge_weight"},
    "graphsage": {"edge_weight"},
    "gat": {"edge_attr"},
    "pna": {"edge_attr"},
    "edgecnn": set(),
}


@pytest.mark.parametrize("name", BACKBONES.names())
def test_what_a_backbone_does_not_read_is_named_in_one_line(name) -> None:
    graph = molecule(0, 5)
    graph.edge_weight, graph.pos = torch.rand(10), torch.rand(5, 3)
    store = GraphStore.from_data([graph] * 4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer = Trainer(Config(dataset="MUTAG", backbone=name, hidden=8, device="cpu"), store)
    (text,) = [str(w.message) for w in caught if "Not read in this run" in str(w.message)]
    unread = {"edge_attr", "edge_weight", "pos"} - READS[name]
    assert {f for f in ("edge_attr", "edge_weight", "pos") if f in text} == unread
    assert f"by the backbone {name}" in text
    assert set(trainer.spec.fields) == READS[name]


def test_a_class_by_its_own_name_in_the_warning(molecules) -> None:
    class Blind(nn.Module):
        def __init__(self, in_channels, hidden_channels, num_layers):
            super().__init__()
            self.map = nn.Linear(in_channels, hidden_channels)

        def forward(self, x, edge_index):
            return self.map(x)

    with pytest.warns(UserWarning, match=r"edge_attr.*, by the backbone Blind\."):
        Trainer(SMALL, molecules, Parts(backbone=Blind))
