"""Augmentations leave a batch as it is: other views are drawn of it, too."""

import pytest
import torch
from torch_geometric.data import Batch, Data

from graph_hcl import GraphContrast
from graph_hcl.augment import (
    Compose,
    EdgeDrop,
    Edit,
    Identity,
    RandomChoice,
    ViewSampler,
    sample_view,
)
from graph_hcl.data import load
from tests.one_sentence import ends_in_one_sentence

SENTENCE = "leave the batch as it is and return an Edit of it, but {} changed its {}: return an"


def assigns(batch, generator):
    batch.x = batch.x + 1
    return Edit()


def scales(batch, generator):
    batch.x.mul_(0)
    return Edit()


def rewires(batch, generator):
    batch.edge_index = batch.edge_index.flip(1)
    return Edit()


def weighs(batch, generator):
    batch.edge_weight = torch.ones(batch.num_edges)
    return Edit()


def forgets(batch, generator):
    del batch.edge_attr


class Noisy(EdgeDrop):
    """A class of one's own that derives from one of the package."""

    def __call__(self, batch, generator):
        batch.x += 1
        return super().__call__(batch, generator)


WRONG = [(assigns, "x"), (scales, "x"), (rewires, "edge_index"), (weighs, "edge_weight")]
WRONG += [(forgets, "edge_attr"), (Noisy(0.2), "x")]


@pytest.mark.parametrize(("wrong", "field"), WRONG)
def test_a_changed_batch_is_refused_wherever_an_edit_is_drawn(wrong, field: str) -> None:
    def draw(augmentation) -> None:
        list(ViewSampler([augmentation, Identity()])(store, [torch.arange(4)], torch.Generator()))

    store = load("MUTAG")
    sentence = SENTENCE.format(getattr(wrong, "__name__", "Noisy"), field)
    for whole in (wrong, Compose((Identity(), wrong)), RandomChoice((wrong, wrong))):
        ends_in_one_sentence(lambda whole=whole: draw(whole), sentence)
        batch = store.batch(torch.arange(4))
        ends_in_one_sentence(
            lambda whole=whole, batch=batch: sample_view(batch, whole, torch.Generator()), sentence
        )


def test_no_model_is_trained_on_a_graph_beside_itself() -> None:
    model = GraphContrast(views=[assigns, "identity"], epochs=1)
    ends_in_one_sentence(lambda: model.fit(load("MUTAG")[:20]), SENTENCE.format("assigns", "x"))


def test_a_copy_may_be_changed_and_inference_tensors_are_told_apart_by_identity() -> None:
    def works_on_a_copy(batch, generator):
        copy = batch.clone()
        copy.x.mul_(0)
        return Edit(masked=copy.x.bool())

    edges = torch.tensor([[0, 1], [1, 0]])
    with torch.inference_mode():
        batch = Batch.from_data_list([Data(torch.ones(2, 1), edges)])
        assert sample_view(batch, works_on_a_copy, torch.Generator()).x.sum() == 2
        ends_in_one_sentence(
            lambda: sample_view(batch, assigns, torch.Generator()), SENTENCE.format("assigns", "x")
        )
