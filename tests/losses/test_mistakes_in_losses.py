"""Plausible mistakes in calls of losses: each ends in one sentence, and nothing is ignored."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from graph_hcl.geometry import equivalent_temperature
from graph_hcl.losses import (
    HSCL,
    HUCL,
    UCL,
    ContrastiveLoss,
    DistributedGather,
    Exponential,
    HInfoGraph,
    InfoGraph,
    MemoryBank,
    Pairs,
    SupCon,
    Threshold,
    Triplet,
    as_objective,
    contrastive_loss,
    jensen_shannon_loss,
    psi_loss,
)
from graph_hcl.losses.adaptive import ClassMass, EffectiveSampleSize
from graph_hcl.losses.objective import Epoch
from tests.one_sentence import ends_in_one_sentence

Z, GRAPH = torch.nn.functional.normalize(torch.randn(8, 3), dim=1), torch.arange(4).repeat(2)
EIGHT = torch.arange(8)
AMONG = Pairs.among(GRAPH, GRAPH)


class OneKey(ContrastiveLoss):
    def keys(self, graph, label):
        return graph


class KeysAsList(ContrastiveLoss):
    def keys(self, graph, label):
        return [0, 1], [0, 1]


class PenaltyOfRows(ContrastiveLoss):
    def penalty(self, z):
        return z.sum(1)


class PenaltyAsFloat(ContrastiveLoss):
    def penalty(self, z):
        return 1.0


def remembered_rows(z, keys):
    return MemoryBank(4).push(z, keys)


def own_columns(columns):
    return Pairs((GRAPH, GRAPH), None, columns)


MISTAKES = {
    "text that means no": (lambda: HUCL(normalize="none"), "normalize to be True or False"),
    "no as text": (lambda: HUCL(include_self="no"), "include_self to be True or False"),
    "detached as text": (lambda: HUCL(detach_weights="no"), "detach_weights to be True or False"),
    "checks as text": (lambda: HUCL(validate_args="no"), "validate_args to be True or False"),
    "a flag of geometry": (
        lambda: equivalent_temperature(0.5, 1.0, detach_weights="no"),
        "detach_weights to be True or False",
    ),
    "an epoch from 0": (
        lambda: HUCL(schedule="linear", beta=2.0).on_epoch(Epoch(0, 5)),
        "an epoch from 1 to 5, the first and the last, but got 0",
    ),
    "an epoch too many": (
        lambda: HUCL(schedule="cosine", beta=2.0).on_epoch(Epoch(9, 5)),
        "an epoch from 1 to 5, the first and the last, but got 9",
    ),
    "an epoch as a number": (lambda: HUCL().on_epoch(3), r"as Epoch\(number, total\), but got 3"),
    "two views as pairs": (lambda: contrastive_loss(Z, Z), "pairs as Pairs.*but got Tensor"),
    "graphs as pairs": (lambda: contrastive_loss(Z, GRAPH), "pairs as Pairs"),
    "a tuple as pairs": (
        lambda: jensen_shannon_loss(Z, Z, (GRAPH, GRAPH)),
        "pairs as Pairs.*but got tuple",
    ),
    "anchors as lists": (
        lambda: contrastive_loss(Z.tolist(), AMONG),
        "anchors to be a tensor, but got list",
    ),
    "keys as lists": (lambda: Pairs.among([0, 1], None), "keys to be tensors of integers"),
    "keys of anchors, then of samples": (lambda: Pairs(GRAPH, GRAPH), "keys as a pair"),
    "own columns as a list": (
        lambda: own_columns(EIGHT.tolist()),
        "self_index to be a tensor of integers, but got list",
    ),
    "own columns as floats": (
        lambda: own_columns(EIGHT.float()),
        "self_index to be a tensor of integers, but got torch.float32",
    ),
    "own columns as a mask": (
        lambda: own_columns(EIGHT > 3),
        "self_index to be a tensor of integers, but got torch.bool",
    ),
    "own columns of some anchors": (
        lambda: own_columns(EIGHT[:4]),
        r"self_index \[8\], one per anchor, but got \[4\]",
    ),
    "own columns from the end": (
        lambda: own_columns(EIGHT - 8),
        "self_index from 0 to 7, the columns of the samples, but got -8 to -1",
    ),
    "own columns behind the end": (
        lambda: own_columns(EIGHT + 8),
        "self_index from 0 to 7, the columns of the samples, but got 8 to 15",
    ),
    "own columns behind the end of samples with a tensor of their own": (
        lambda: Pairs((GRAPH, GRAPH.clone()), None, EIGHT + 1),
        "self_index from 0 to 7, the columns of the samples, but got 1 to 8",
    ),
    "own columns with other keys": (
        lambda: own_columns(EIGHT.flip(0)),
        "self_index to name each anchor's own column, but keys there differ",
    ),
    "a name for psi": (
        lambda: psi_loss(Z, AMONG, psi="triplet"),
        r"psi as a function of t and q, such as Triplet\(\), but got 'triplet'",
    ),
    "a class for psi": (lambda: psi_loss(Z, AMONG, psi=Triplet), "psi as a function of t and q"),
    "a psi that averages": (
        lambda: psi_loss(Z, AMONG, psi=lambda t, q: (t * q).sum()),
        r"losses of ψ \[8\], but got \[\]",
    ),
    "a psi of each negative": (
        lambda: psi_loss(Z, AMONG, psi=lambda t, q: t * q),
        r"losses of ψ \[8\], but got \[8, 8\]",
    ),
    "a hardening that is a number": (
        lambda: HUCL(hardening=lambda s: 3.0)(Z, graph=GRAPH),
        "log η of the logits' shape to be a tensor, but got float",
    ),
    "views as a list": (
        lambda: UCL()([Z.clone().requires_grad_(), Z]),
        "Expected features to be a tensor, but got list: use torch.as_tensor",
    ),
    "a long range": (
        lambda: UCL()(range(10**9)),
        "Expected features to be a tensor, but got range",
    ),
    "labels as words": (
        lambda: HSCL()(Z, graph=GRAPH, label=np.array(list("abcdabcd"))),
        r"got ndarray: use torch.as_tensor\(np.unique\(label, return_inverse=True\)\[1\]\)",
    ),
    "labels as a list of words": (
        lambda: HSCL()(Z, graph=GRAPH, label=list("abcdabcd")),
        r"got list: use torch.as_tensor\(np.unique\(label, return_inverse=True\)\[1\]\)",
    ),
    "labels as words among objects": (
        lambda: HSCL()(Z, graph=GRAPH, label=np.array([None, *"abcdabc"])),
        r"use torch.as_tensor\(np.unique\(label",
    ),
    "labels as numbers": (
        lambda: HSCL()(Z, graph=GRAPH, label=GRAPH.numpy()),
        r"got ndarray: use torch.as_tensor\(label\)",
    ),
    "labels of several lengths": (
        lambda: HSCL()(Z, graph=GRAPH, label=[[0], [1, 2]]),
        r"got list: use torch.as_tensor\(label\)",
    ),
    "a class as a hardening": (
        lambda: HUCL(hardening=Exponential),
        r"hardening to be made already, but got the class Exponential: make one of it, Exponen",
    ),
    "a class as an adaptive hardening": (
        lambda: contrastive_loss(Z, AMONG, hardening=ClassMass),
        "hardening to be made already, but got the class ClassMass",
    ),
    "a class as a hardening of nodes": (
        lambda: HInfoGraph(hardening=Threshold),
        "hardening to be made already, but got the class Threshold",
    ),
    "a class as ψ": (lambda: UCL(psi=Triplet), "psi to be made already, but got the class Triplet"),
    "a class that gathers": (
        lambda: UCL(gather=DistributedGather),
        "gather to be made already, but got the class DistributedGather",
    ),
    "one key": (lambda: OneKey()(Z, graph=GRAPH), "as a pair of positive and negative keys"),
    "keys that are lists": (lambda: KeysAsList()(Z, graph=GRAPH), "keys to be tensors of integers"),
    "a penalty of rows": (lambda: PenaltyOfRows()(Z, graph=GRAPH), r"a penalty \[\], but got \[8"),
    "a penalty that is a number": (
        lambda: PenaltyAsFloat()(Z, graph=GRAPH),
        "a penalty to be a tensor, but got float",
    ),
    "a share as text": (lambda: EffectiveSampleSize("a"), "share to be a number, but got str"),
    "a bound as text": (lambda: ClassMass(bound="a"), "bound to be a number, but got str"),
    "the largest β as text": (lambda: ClassMass(beta_max="a"), "beta_max to be a number"),
    "half a row": (lambda: MemoryBank(2.5), "size to be a whole number of 1 or more, but got 2.5"),
    "a size as text": (lambda: MemoryBank("a"), "size to be a whole number of 1 or more"),
    "more keys than rows": (
        lambda: remembered_rows(Z, torch.arange(16)),
        r"keys \[8\], one per row, but got \[16\]",
    ),
    "keys with fractions": (
        lambda: remembered_rows(Z, torch.rand(8)),
        "keys to hold integers, but got torch.float32",
    ),
    "keys as a list": (lambda: remembered_rows(Z, [1] * 8), "keys to be a tensor, but got list"),
    "features as a list": (
        lambda: InfoGraph()(Z.tolist(), graph=GRAPH, nodes=Z, node_graph=GRAPH),
        "z to be a tensor, but got list",
    ),
    "a class as an objective": (
        lambda: as_objective(HUCL),
        r"but got the class HUCL: make one of it, HUCL\(…\)",
    ),
    "a loss of torch": (lambda: as_objective(nn.CrossEntropyLoss()), "but got CrossEntropyLoss"),
    "a function without labels": (
        lambda: as_objective(lambda z, graph: z.sum()),
        r"a function loss\(z, graph=…, label=…\)",
    ),
    "a function of nodes that cannot take them": (
        lambda: as_objective(reads_nodes(lambda z, graph, label: z.sum())),
        r"a function loss\(z, graph=…, label=…\)",
    ),
}


def reads_nodes(function):
    function.reads_nodes = True
    return function


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_in_one_sentence(name: str) -> None:
    ends_in_one_sentence(*MISTAKES[name], ValueError)


def test_functions_that_take_rows_are_objectives() -> None:
    def with_nodes(z, *, graph, label, nodes, node_graph):
        return z.sum()

    taken = [
        lambda z, graph, label: z.sum(),
        lambda *z, **rest: z[0].sum(),
        reads_nodes(with_nodes),
        UCL(),
        SupCon(),
        SimpleNamespace,
    ]
    for function in taken[:-1]:
        assert as_objective(function) is not None
    with pytest.raises(ValueError, match="the class SimpleNamespace"):
        as_objective(taken[-1])


def test_a_label_that_is_not_read_is_named() -> None:
    with pytest.warns(UserWarning, match="UCL reads no labels"):
        UCL()(Z, graph=GRAPH, label=GRAPH)
    HSCL()(Z, graph=GRAPH, label=GRAPH)


@pytest.mark.parametrize("kind", [torch.int32, torch.uint8])
def test_own_columns_of_any_width_are_the_same(kind) -> None:
    for columns in (EIGHT, EIGHT.roll(4)):
        wide, narrow = own_columns(columns), own_columns(columns.to(kind))
        for mode in ("dense", "tiled", "auto"):
            found = [contrastive_loss(Z, pairs, mode=mode) for pairs in (wide, narrow)]
            assert torch.equal(*found)


def test_types_meet_in_the_wider_one() -> None:
    other = torch.randn(8, 3)
    pairs = Pairs((GRAPH, GRAPH), (GRAPH, GRAPH))
    wanted = contrastive_loss(Z.double(), pairs, other.double())
    for anchors, samples in ((Z, other.double()), (Z.double(), other)):
        assert torch.equal(contrastive_loss(anchors, pairs, samples), wanted)
    wanted = jensen_shannon_loss(Z.double(), other.double(), pairs)
    assert torch.equal(jensen_shannon_loss(Z, other.double(), pairs), wanted)


def test_a_loss_with_a_memory_survives_vmap() -> None:
    loss, z = HUCL(memory_size=4), torch.randn(3, 8, 4)
    with pytest.raises(ValueError, match=r"inside torch.func.vmap.*call eval\(\)"):
        torch.func.vmap(loss)(z, z)
    assert torch.isfinite(loss(z[0], z[1]))
    assert len(loss.memory.keys) == 4


@pytest.mark.parametrize("size", [1, 5, 20])
def test_a_memory_of_another_size_keeps_the_last(size: int) -> None:
    """It is then as if all rows had been pushed to a memory of that size."""
    large, small, other = MemoryBank(10), MemoryBank(size), MemoryBank(size)
    for step in range(4):
        z, keys = torch.randn(4, 3), torch.arange(4) + 10 * step
        large.push(z, keys)
        other.push(z, keys)
    given = large.state_dict()
    small.load_state_dict(given)
    kept = min(size, 10)
    assert torch.equal(small.keys, other.keys[-kept:])
    assert torch.equal(small.features, other.features[-kept:])
    assert len(given["keys"]) == 10  # what was given is as it was
