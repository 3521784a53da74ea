"""Several processes that gather their rows have the loss, and the gradient, of one with all."""

import multiprocessing
import socket
import warnings

import pytest
import torch
from torch import distributed

from graph_hcl.losses import HSCL, HUCL, SCL, UCL, DistributedGather, NTXent


class Fake:
    """One of several processes, whose tensors are all at hand: the gathered ones in turn."""

    def __init__(self, rank: int, gathered: list[torch.Tensor]) -> None:
        self.rank = rank
        self.gathered = list(gathered)

    def __call__(self, values):
        everything = self.gathered.pop(0)
        start = self.rank * len(values)
        torch.testing.assert_close(everything[start : start + len(values)], values)
        return torch.cat([everything[:start].detach(), values, everything[start + len(values) :]])


def views(graphs: int = 8):
    generator = torch.Generator().manual_seed(1)
    z1, z2 = torch.randn(2, graphs, 3, generator=generator, dtype=torch.float64)
    return z1, z2, torch.randint(3, (graphs,), generator=generator)


def share(z1, z2, label, rank: int, world: int):
    """Return the rows of one process, and the order in which all rows are gathered."""
    parts = [slice(k * len(z1) // world, (k + 1) * len(z1) // world) for k in range(world)]
    rows = torch.cat([torch.cat([z1[p], z2[p]]) for p in parts])
    labels = torch.cat([label[p].repeat(2) for p in parts])
    names = torch.cat([torch.arange(len(z1))[p].repeat(2) for p in parts])
    part = parts[rank]
    return (z1[part], z2[part], label[part]), (rows, labels, names)


@pytest.mark.parametrize("make", [UCL, HUCL, SCL, HSCL, NTXent])
def test_the_mean_over_processes_is_the_loss_of_all_rows(make) -> None:
    z1, z2, label = views()
    whole = make()(z1, z2, *([label] if make.uses_labels else []))
    values = []
    for rank in range(2):
        (a, b, mine), (rows, labels, names) = share(z1, z2, label, rank, 2)
        unit = torch.nn.functional.normalize(rows, dim=1)
        keys = {"ucl": [names], "scl": [labels], "nt-xent": [names]}
        kind = "scl" if make.uses_labels else "ucl"
        loss = make(gather=Fake(rank, [*keys[kind], unit]))
        values.append(loss(a, b, *([mine] if make.uses_labels else [])))
    torch.testing.assert_close(torch.stack(values).mean(), whole)


def test_without_a_process_group_it_is_one_process() -> None:
    z1, z2, label = views()
    gather = DistributedGather()
    torch.testing.assert_close(HSCL(gather=gather)(z1, z2, label), HSCL()(z1, z2, label))


def test_a_memory_is_refused_beside_it() -> None:
    with pytest.raises(ValueError, match="memory_size 0 with gather"):
        HUCL(gather=DistributedGather(), memory_size=4)


def _process(rank: int, world: int, port: int, results) -> None:
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=world)
    (a, b, label), _ = share(*views(), rank, world)
    a.requires_grad_()
    loss = HSCL(beta=0.7, gather=DistributedGather())(a, b, label)
    (slope,) = torch.autograd.grad(loss / world, a, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), a, retain_graph=True)
    loss.backward()
    distributed.all_reduce(loss.detach_())
    # Each process weighs all rows in its own way: a row has the sum of its weights as gradient.
    rows = torch.full((2, 3), float(rank), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        everything = DistributedGather()(rows.t().contiguous().t())
    weights = [torch.arange(12.0).reshape(4, 3) * 10**k for k in range(world)]
    (everything * weights[rank]).sum().backward()
    assert everything.tolist() == [[0.0] * 3] * 2 + [[1.0] * 3] * 2
    assert rows.grad.equal(sum(weights)[2 * rank : 2 * rank + 2])
    results.put((rank, float(loss) / world, (a.grad / world).tolist(), second.tolist()))
    distributed.barrier()
    distributed.destroy_process_group()


def _unequal(rank: int, port: int, results) -> None:
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    z = torch.ones(8 - 2 * rank, 3)
    try:
        HUCL(gather=DistributedGather())(z, z)
    except ValueError as error:
        results.put(str(error))
    distributed.barrier()
    distributed.destroy_process_group()


def test_other_numbers_of_rows_are_told_in_each_process() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    processes = [context.Process(target=_unequal, args=(k, port, results)) for k in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    for _ in processes:
        assert "as many rows in each process, but got 16, 12: give batches" in results.get()


@pytest.mark.slow
def test_two_processes_have_the_value_and_derivatives_of_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_process, args=(k, 2, port, results)) for k in range(2)]
    for process in processes:
        process.start()
    found = sorted(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(30)
    z1, z2, label = views()
    z1.requires_grad_()
    whole = HSCL(beta=0.7)(z1, z2, label)
    (slope,) = torch.autograd.grad(whole, z1, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), z1)
    for place, exact in ((2, slope), (3, second)):
        parts = torch.tensor(found[0][place] + found[1][place], dtype=torch.float64)
        torch.testing.assert_close(parts, exact.detach())
    assert all(value == pytest.approx(whole.item()) for _, value, *_ in found)
