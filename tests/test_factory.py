"""Models and objectives of a config: heads by the tags of the objective itself."""

import pytest
import torch

from graph_hcl.config import Config, EncoderConfig
from graph_hcl.data import load
from graph_hcl.errors import UserError
from graph_hcl.experiment import make_experiment
from graph_hcl.factory import complete_config, find_device
from graph_hcl.losses import CrossEntropy, InfoGraph
from graph_hcl.model_factory import make_model
from graph_hcl.objective_factory import with_canonical_names
from graph_hcl.spec import ModelSpec
from graph_hcl.trainer import Trainer


def makes_infograph(temperature: float = 0.5):
    """A function: it has no attribute that tells that its loss reads nodes."""
    return InfoGraph()


def makes_cross_entropy():
    return CrossEntropy()


class Plain(torch.nn.Module):
    """A backbone that takes none of the settings of --encoder."""

    def __init__(self, in_channels, hidden_channels, num_layers) -> None:
        super().__init__()
        self.map = torch.nn.Linear(in_channels, hidden_channels)

    def forward(self, x, edge_index):
        return self.map(x)


@pytest.mark.filterwarnings("ignore:Not read in this run")
def test_an_objective_that_a_function_returns_gets_its_heads() -> None:
    store = load("MUTAG")
    path = f"{__name__}:makes_infograph"
    trainer = Trainer(Config(dataset="MUTAG", objective=path, epochs=1, hidden=4, layers=1), store)
    assert trainer.tags.nodes
    assert trainer.spec.node_head
    assert trainer.model(0).node_head is not None
    named = Trainer(
        Config(dataset="MUTAG", objective="infograph", epochs=1, hidden=4, layers=1), store
    )
    assert named.spec == trainer.spec
    trainer.fit(torch.arange(20).numpy(), seed=0)
    logits = Trainer(
        Config(dataset="MUTAG", objective=f"{__name__}:makes_cross_entropy", views=["identity"]),
        store,
    )
    assert logits.spec.classes == 2
    assert logits.config.projection.normalize == "none"
    assert logits.model(0)(store.batch([0])).shape == (1, 2)


@pytest.mark.filterwarnings("ignore:Not read in this run")
def test_a_function_that_reads_labels_is_seen_to() -> None:
    config = complete_config(Config(dataset="MUTAG", objective=f"{__name__}:makes_cross_entropy"))
    assert config.protocol == "inductive"
    with pytest.raises(UserError, match="reads labels"):
        make_experiment(
            Config(
                dataset="MUTAG",
                objective=f"{__name__}:makes_cross_entropy",
                protocol="transductive",
            )
        )


def test_a_model_is_made_of_its_config_and_description_alone() -> None:
    vocabulary = load("MUTAG").vocabulary
    config = Config(dataset="MUTAG", objective="nowhere:nothing", hidden=4, layers=1)
    assert make_model(config, ModelSpec(vocabulary)).node_head is None
    assert make_model(config, ModelSpec(vocabulary, node_head=True)).node_head is not None
    assert make_model(config, ModelSpec(vocabulary, classes=3)).normalization == "none"


@pytest.mark.parametrize(
    "given",
    [
        {"act": "nonsense"},
        {"jk": "last"},
        {"norm": "layer_norm"},
        {"norm": None},
        {"dropout": 0.5},
        {"options": {"heads": 2}},
    ],
    ids=str,
)
def test_settings_that_a_backbone_does_not_take_are_refused(given) -> None:
    config = Config(dataset="MUTAG", backbone=f"{__name__}:Plain", encoder=EncoderConfig(**given))
    with pytest.raises(UserError, match=next(iter(given.get("options", given)))) as caught:
        make_model(config, ModelSpec(load("MUTAG").vocabulary))
    assert "\n" not in str(caught.value)


def test_names_are_those_of_the_tables() -> None:
    config = with_canonical_names(
        Config(dataset="MUTAG", objective="NT-Xent", backbone="my.module:Net")
    )
    assert (config.objective, config.backbone) == ("nt-xent", "my.module:Net")


@pytest.mark.parametrize("name", ["tpu", "cuda:77", "cpu:1:2", "", "meta?"])
def test_a_device_that_is_not_there_is_one_short_sentence(name: str) -> None:
    with pytest.raises(UserError, match="Expected --device to be") as caught:
        find_device(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
