"""The package on a pretended device: no tensor, generator or copy is on the wrong one."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch

from benchmarks.device import checks
from benchmarks.device.checks import graphs
from benchmarks.device.checks.common import some_graphs
from benchmarks.device.checks.training import epoch_waits_once
from benchmarks.device.pretend import DEVICE, WrongDevice, pretended
from benchmarks.device.waits import count_waits
from graph_hcl import embed as embed_command
from graph_hcl import evaluate, report, train
from graph_hcl.augment import Edit, ViewSampler, apply, parse
from graph_hcl.config import RANDOM_VIEW
from graph_hcl.losses import UCL, MemoryBank, Pairs
from graph_hcl.losses.gather import gathered
from graph_hcl.nn import ContrastiveModel, GraphEncoder, make_backbone
from graph_hcl.training import TrainingSettings, embed, embed_nodes, fit

# A loss takes the same road in each precision.
NAMES = [name for name in checks.CHECKS if "loss " not in name or name.endswith("float32")]


def right_or_skipped(check: checks.Check, device: torch.device) -> None:
    try:
        check(device)
    except checks.Skipped as why:
        pytest.skip(str(why))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_the_package_is_right_on_a_pretended_device(name: str) -> None:
    with pretended():
        right_or_skipped(checks.CHECKS[name], DEVICE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_commands_run_on_a_pretended_device(tmp_path, capsys) -> None:
    run = str(tmp_path / "run")
    shared = ["--dataset", "MUTAG", "--epochs", "1", "--batch-size", "94", "--device", "meta"]
    shared += ["--probe.name", "class-mean", "--probe.folds", "2"]
    calls = [
        (train, [*shared, "--out", run]),
        (train, ["--resume", run, "--epochs", "2"]),
        (evaluate, [run]),
        (embed_command, [run, "--out", str(tmp_path / "z.npz")]),
        (report, [run]),
        (train, [*shared, "--init-from", run, "--out", str(tmp_path / "further")]),
    ]
    for command, words in calls:
        with pretended() as device:
            assert not command.main(words), capsys.readouterr().err
        assert device.waits


@pytest.mark.filterwarnings("ignore")
def test_a_store_is_moved_to_where_a_model_is_trained_and_embeds() -> None:
    found = []
    for place in (torch.device("cpu"), DEVICE):
        with pretended():
            torch.manual_seed(0)
            store = some_graphs()
            backbone = make_backbone("gin", store.num_features, 8, 2)
            model = fit(
                ContrastiveModel(GraphEncoder(backbone, 16)),
                UCL(),
                ViewSampler([parse("identity")] * 2),
                store,
                torch.arange(8),
                TrainingSettings(1, 4),
                device=place,
            )
            assert {one.device for one in model.parameters()} == {place}
            found.append([embed(model, store, place), *embed_nodes(model, store, place)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_store_that_is_there_stays_the_same() -> None:
    with pretended():
        store = some_graphs()
        assert store.to("cpu") is store
        moved = store.to(DEVICE)
        assert moved is not store
        assert moved.to(DEVICE) is moved


def test_values_are_those_of_the_cpu() -> None:
    x = torch.randn(4, 3)
    with pretended():
        held = x.to(DEVICE).requires_grad_()
        assert held.device == DEVICE
        y = (held @ held.t()).logsumexp(1).sum()
        y.backward()
        assert held.grad.device == DEVICE
        found = held.grad.cpu(), float(y.detach())
    leaf = x.clone().requires_grad_()
    y = (leaf @ leaf.t()).logsumexp(1).sum()
    y.backward()
    assert torch.equal(found[0], leaf.grad)
    assert found[1] == float(y.detach())


MIXED = {
    "sum": lambda here, there: here + there,
    "product": lambda here, there: here @ there.t(),
    "concatenation": lambda here, there: torch.cat([here, there]),
    "a gather on the CPU by an index of the device": lambda here, there: here[there[:, 0].long()],
    "index_select": lambda here, there: there.index_select(0, here[:, 0].long()),
    "in place": lambda here, there: there.add_(here),
    "an assignment": lambda here, there: (
        there.__setitem__(slice(0, 1), here[:1])
        or there.index_put_((torch.zeros(1).long(),), here[:1])
    ),
    "an array": lambda here, there: there.numpy(),
    "a generator of the CPU": lambda here, there: torch.rand(
        3, device=DEVICE, generator=torch.Generator()
    ),
    "a generator of the device": lambda here, there: torch.rand(
        3, generator=torch.Generator(DEVICE)
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_two_devices_in_one_operation_are_an_error(name: str) -> None:
    with pretended():
        here, there = torch.rand(3, 3), torch.rand(3, 3, device=DEVICE)
        with pytest.raises((WrongDevice, TypeError, RuntimeError, NotImplementedError)):
            MIXED[name](here, there)


ALLOWED = {
    "a number": lambda x: x + torch.tensor(2.0),
    "a generator of its own": lambda x: torch.rand(
        3, device=DEVICE, generator=torch.Generator(DEVICE).manual_seed(1)
    ),
    "a range": lambda x: x[torch.arange(2, device=x.device)],
    "sizes that are known": lambda x: torch.repeat_interleave(
        x, torch.ones(3, device=DEVICE).long(), dim=0, output_size=3
    ),
}
WAITING = {
    "a number of the device": lambda x: float(x.sum()),
    "a list": lambda x: x.tolist(),
    "a truth": lambda x: bool((x > 0).all()),
    "a mask": lambda x: x[x > 0.5],
    "places": lambda x: x.nonzero(),
    "what is distinct": lambda x: x.unique(),
    "sizes that are not known": lambda x: torch.ones(3, device=DEVICE).repeat_interleave(
        torch.ones(3, device=DEVICE).long()
    ),
    "a copy to the CPU": lambda x: x.cpu(),
    "a copy from the CPU": lambda x: torch.ones(2).to(DEVICE),
    "numbers of the host": lambda x: torch.tensor([1, 2], device=DEVICE),
    "the same by the tensor": lambda x: x.new_tensor([1.0]),
    "an array of the host": lambda x: torch.as_tensor(np.ones(2), device=DEVICE),
    "an empty list of places": lambda x: x[[]],
    "a list of places": lambda x: x[[0, 1]],
    "an assignment to a list of places": lambda x: x.__setitem__([0, 1], 0.0),
    "places on the CPU": lambda x: x[torch.arange(2)],
    "equality": lambda x: torch.equal(x, x),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_a_device_takes_is_no_error_and_no_wait(name: str) -> None:
    def make(device):
        x = torch.rand(3, 3, device=device)
        return lambda: ALLOWED[name](x)

    assert not count_waits(torch.device("cpu"), make)


@pytest.mark.parametrize("name", WAITING)
def test_waits_are_counted_with_their_place(name: str) -> None:
    def make(device):
        x = torch.rand(3, 3, device=device)
        return lambda: WAITING[name](x)

    found = count_waits(torch.device("cpu"), make)
    assert found.total() == 1
    assert next(iter(found)).startswith("tests/cuda/test_pretended.py:")


def test_a_wait_in_a_gradient_is_counted_too() -> None:
    class Wait(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, gradient):
            return gradient * float(gradient.sum()) + torch.tensor([0.0], device=gradient.device)

    def make(device):
        x = torch.rand(3, device=device, requires_grad=True)
        return lambda: Wait.apply(x).sum().backward()

    assert count_waits(torch.device("cpu"), make).total() == 2


@pytest.mark.filterwarnings("ignore")
def test_an_epoch_waits_once() -> None:
    right_or_skipped(epoch_waits_once, torch.device("cpu"))


def test_a_walk_along_a_path_gives_the_times_of_its_hops() -> None:
    with pretended():
        right_or_skipped(partial(graphs.long_walk_agrees, nodes=60), DEVICE)


class Twice:
    """Collects rows as two processes with the same ones would."""

    rank = 1

    def __call__(self, values):
        return torch.cat([values, values])


def remembered(z, key):
    bank = MemoryBank(24).to(z.device)
    bank.push(z, key)

    def step():
        bank.join(z, key, key)
        bank.push(z, key)

    return step


PAIRED = {
    "with a memory": remembered,
    "of all processes": lambda z, key: lambda: gathered(Twice(), z, key, key),
    "by an index of one's own": lambda z, key: lambda: Pairs((key, key), None, key),
}


@pytest.mark.parametrize("name", PAIRED)
def test_pairs_of_a_step_do_not_wait(name: str) -> None:
    def make(device):
        return PAIRED[name](torch.rand(16, 4).to(device), torch.arange(16).to(device))

    assert not count_waits(torch.device("cpu"), make)


@pytest.mark.parametrize("name", graphs.ON_HARDWARE)
def test_draws_of_views_do_not_wait(name: str) -> None:
    right_or_skipped(graphs.ON_HARDWARE[name], torch.device("cpu"))


VIEWS = ["edge_drop(0.5)+node_drop(0.4)", "subgraph(0.6)", "edge_add(0.5)"]


@pytest.mark.parametrize("text", VIEWS)
@pytest.mark.parametrize("flipped", [False, True])
def test_views_of_a_device_are_those_of_the_cpu_bit_for_bit(text: str, flipped: bool) -> None:
    store, found = some_graphs(), []
    if flipped:  # edges in an order that is not known
        turned = store.edge_index.flip(0)
        store = dataclasses.replace(store, edge_index=turned, vocabulary=None)
    parts = torch.arange(36).split(10)
    with pretended():
        for place in (torch.device("cpu"), DEVICE):
            sampler = ViewSampler([parse(text), parse("node_drop(0.3)")])
            made = torch.Generator(place).manual_seed(1)
            found.append([view.batch for (view,) in sampler(store.to(place), parts, made)])
        for mine, theirs in zip(*found, strict=True):
            for name in ("x", "edge_index", "edge_attr", "y", "batch", "ptr"):
                assert torch.equal(theirs[name].cpu(), mine[name]), name


def _one(batch: Batch, graph: int) -> list[torch.Tensor]:
    """Return a graph's features, edges and their attributes."""
    nodes, edges = batch.batch == graph, batch.batch[batch.edge_index[0]] == graph
    return [
        batch.x[nodes],
        batch.edge_index[:, edges] - batch.ptr[graph],
        batch.edge_attr[edges],
    ]


@pytest.mark.parametrize("text", [RANDOM_VIEW, "edge_add(0.5)|edge_drop(0.5)+edge_mask(0.5)"])
def test_a_choice_on_a_device_is_made_for_each_graph(text: str) -> None:
    choice, seen = parse(text), set()
    with pretended():
        batch = some_graphs().to(DEVICE).batch(slice(0, 36))
        view = apply(batch, choice(batch, torch.Generator(DEVICE).manual_seed(3)))
        again = torch.Generator(DEVICE).manual_seed(3)
        chosen = torch.randint(len(choice.parts), (36,), generator=again, device=DEVICE)
        of_parts = [apply(batch, part(batch, again)).to("cpu") for part in choice.parts]
        for graph, part in enumerate(chosen.tolist()):
            seen.add(part)
            pairs = zip(_one(view.to("cpu"), graph), _one(of_parts[part], graph), strict=True)
            assert all(torch.equal(mine, theirs) for mine, theirs in pairs), graph
    assert seen == set(range(len(choice.parts)))


@pytest.mark.parametrize(("place", "ahead"), [("cpu", 0), (DEVICE, 1)])
def test_the_next_views_of_a_device_are_drawn_before_these_are_given_out(place, ahead) -> None:
    drawn = []

    def count(batch, generator):
        drawn.append(batch.num_graphs)
        return Edit()

    with pretended():
        store, made = some_graphs().to(place), torch.Generator(place)
        sampler = ViewSampler([count], max_elements=1)
        for step, _ in enumerate(sampler(store, torch.arange(36).split(9), made), start=1):
            assert len(drawn) == min(step + ahead, 4)
