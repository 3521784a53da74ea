"""What a newcomer may hand to a figure in error ends in one sentence that says what is wrong."""

import math

import numpy as np
import pytest
import torch

from graph_hcl import plot
from graph_hcl.errors import UserError
from graph_hcl.losses import Exponential, Threshold
from tests.one_sentence import ends_in_one_sentence

LOG = [{"epoch": 1, "loss": 2.0, "ucl": 1.0}, {"epoch": 2, "loss": 1.0, "ucl": 0.5}]
XY = np.random.default_rng(0).normal(size=(10, 2))
Y = np.arange(10) % 2
Z, GRAPH = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)), torch.arange(8)
ETA = {"β = 1": Exponential(1.0)}
HOLE = np.where(np.arange(20).reshape(10, 2) == 7, np.nan, XY)

MISTAKES = {
    # Records of epochs
    "a file for records": (lambda: plot.losses("metrics.jsonl"), "as dictionaries, but got str"),
    "one record": (lambda: plot.ranks(LOG[0]), "Expected records of epochs, .* but got dict"),
    "records that end": (lambda: plot.spread(iter(LOG)), "Expected records of epochs"),
    "texts for records": (lambda: plot.collapse(["a"]), "Expected records of epochs"),
    "no epoch": (lambda: plot.losses([{"ucl": 1.0}]), "whole number as its epoch, but got None"),
    "an epoch of text": (
        lambda: plot.temperatures([{"epoch": "a"}]),
        "whole number as its epoch, but got 'a'",
    ),
    "no epoch, several runs": (
        lambda: plot.compare({"a": [{"loss": 1.0}]}, "loss", "l"),
        "whole number as its epoch, but got None",
    ),
    "runs without names": (
        lambda: plot.compare([LOG, LOG], "loss", "l"),
        "Expected runs by name, such as .*, but got list",
    ),
    "a typo in the key": (
        lambda: plot.compare({"a": LOG, "b": []}, "los", "training loss"),
        "Expected a key of epoch, loss, ucl, but got 'los'. Did you mean loss?",
    ),
    "floors without names": (lambda: plot.losses(LOG, [0.1]), "Expected floors by name"),
    "levels without names": (lambda: plot.temperatures(LOG, [0.1]), "Expected levels by name"),
    # Maps
    "coordinates with NaN": (
        lambda: plot.embedding_map(HOLE, Y),
        "Expected finite points, but got NaN or infinity",
    ),
    "infinite coordinates": (lambda: plot.embedding_map(XY + np.inf, Y), "Expected finite points"),
    "texts for points": (
        lambda: plot.embedding_map("pca", Y),
        "Expected points to be an array of numbers, but got str",
    ),
    "fewer names than points": (
        lambda: plot.embedding_map(XY, Y, graphs=[1, 2]),
        "Expected one name for each of 10 points, but got 2",
    ),
    "labels of several tasks": (
        lambda: plot.embedding_map(XY, np.zeros((10, 2))),
        r"each of the 10 points, but got \[10, 2\]",
    ),
    "a row for embeddings": (
        lambda: plot.project([1, 2, 3]),
        r"Expected embeddings \[G, D\] of one graph or more, but got \[3\]",
    ),
    "no embeddings": (lambda: plot.project(np.zeros((0, 4))), r"but got \[0, 4\]"),
    "texts for embeddings": (lambda: plot.project(["a"]), "an array of numbers, but got list"),
    # Features
    "one graph alone": (
        lambda: plot.similarities(Z, torch.zeros(8, dtype=torch.long), GRAPH),
        "Expected rows of two graphs or more, but got 8 of one graph",
    ),
    "classes that are not known": (
        lambda: plot.similarities(Z, GRAPH, None, negatives="label"),
        "Expected a label of each row .* but got None",
    ),
    "a hardening without name": (
        lambda: plot.weights([Exponential(1.0)], [0.1, 0.5]),
        "Expected hardenings by name, such as .* but got list",
    ),
    "the name of a hardening": (
        lambda: plot.weights({"a": "exponential"}, [0.1, 0.5]),
        "functions of the logit, such as Exponential.* but got str for 'a'",
    ),
    "no negatives": (
        lambda: plot.weights(ETA, []),
        r"Expected products \[K\] of one number or more, but got \[0\]",
    ),
    "negatives with NaN": (
        lambda: plot.weights({"a": Threshold(1.0)}, [0.1, math.nan]),
        "Expected finite products, but got NaN",
    ),
    "spectra without names": (lambda: plot.spectra([1.0]), "Expected spectra by name"),
    "an empty spectrum": (
        lambda: plot.spectra({"a": []}),
        r"Expected spectrum 'a' \[K\] of one number or more, but got \[0\]",
    ),
    "a spectrum with NaN": (
        lambda: plot.spectra({"a": [1.0, math.nan, 0.1]}),
        "Expected finite spectrum 'a', but got NaN",
    ),
    "a list of comparisons": (lambda: plot.folds([1]), "Expected comparisons by name"),
}


@pytest.mark.parametrize("wrong", MISTAKES)
def test_a_mistake_ends_in_one_sentence(wrong: str) -> None:
    ends_in_one_sentence(*MISTAKES[wrong], kind=UserError)


TENSORS = {
    "arrays for features": (
        lambda: plot.similarities(Z.numpy(), GRAPH.numpy(), GRAPH.numpy()),
        "Expected z to be a tensor, but got ndarray",
    ),
    "arrays for graphs": (
        lambda: plot.similarities(Z, GRAPH.numpy()),
        "Expected graph to be a tensor, but got ndarray",
    ),
    "no temperature": (
        lambda: plot.weights(ETA, [0.1, 0.5], temperature=0),
        "Expected temperature to be above 0 and finite, but got 0",
    ),
}


@pytest.mark.parametrize("wrong", TENSORS)
def test_a_mistake_of_the_measures_is_told_as_they_tell_it(wrong: str) -> None:
    ends_in_one_sentence(*TENSORS[wrong], kind=ValueError)


def test_a_key_that_some_runs_lack_is_no_mistake() -> None:
    one = plot.compare({"a": [{"epoch": 1}], "b": LOG}, "loss", "l")
    assert [line.get_label() for line in one.lines] == ["b"]
    for nothing in ({}, {"a": []}, {"a": [{"epoch": 1, "loss": None}]}):
        assert not plot.compare(nothing, "loss", "l").lines
