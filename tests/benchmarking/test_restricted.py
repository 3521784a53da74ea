"""A benchmark restricted to some of its data sets, methods and repetitions."""

import dataclasses

import pytest

from graph_hcl.benchmarking.spec import BenchmarkSpec, Method, restricted
from graph_hcl.benchmarking.trials import expand
from graph_hcl.errors import UserError

SPEC = BenchmarkSpec(
    "tiny",
    ["MUTAG", "NCI1", "PTC_MR"],
    {name: Method(settings={"objective": "ucl"}) for name in ("UCL", "UCL 5×128, mean", "wide")},
    ["transductive"],
    repeats=3,
    seed=4,
    compare=[["UCL", "wide"], ["UCL", "UCL 5×128, mean"]],
)


def test_nothing_given_leaves_the_benchmark_as_it_is() -> None:
    assert restricted(SPEC) == SPEC


def test_the_trials_are_those_of_the_whole_benchmark() -> None:
    some = restricted(SPEC, ["ptc_mr", "MUTAG"], ["ucl 5×128, MEAN", "UCL"], 2)
    assert some.datasets == ["MUTAG", "PTC_MR"]  # in the order of the file
    assert list(some.methods) == ["UCL", "UCL 5×128, mean"]
    assert some.compare == [["UCL", "UCL 5×128, mean"]]
    wanted = [
        trial.name
        for trial in expand(SPEC)
        if trial.dataset != "NCI1" and trial.method != "wide" and trial.config.seed in (4, 5)
    ]
    assert [trial.name for trial in expand(some)] == wanted


def test_no_pair_becomes_a_test_that_was_not_declared() -> None:
    assert restricted(SPEC, methods=["wide", "UCL 5×128, mean"]).compare == []
    every = dataclasses.replace(SPEC, compare=None)
    assert restricted(every, methods=["wide", "UCL"]).compare is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"datasets": ["MUTAGG"]},
            "data set of MUTAG, NCI1, PTC_MR, but got 'MUTAGG'. Did you mean",
        ),
        ({"methods": ["UCL", "wied"]}, "got 'wied'. Did you mean wide?"),
        ({"repeats": 4}, "--repeats to be 1 to 3, the repetitions of tiny, but got 4"),
        ({"repeats": 0}, "--repeats to be 1 to 3"),
    ],
)
def test_mistakes(given, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        restricted(SPEC, **given)
    assert sentence in str(error.value)
