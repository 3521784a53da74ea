"""The queue: whose negatives it holds, and that a checkpoint carries it."""

import copy
import io
import multiprocessing
import pickle
import socket

import pytest
import torch
from torch import distributed, nn
from torch.nn import functional as F

from graph_hcl.losses import HSCL, HUCL, UCL, MemoryBank, Pairs, contrastive_loss


def rows(seed: int, graphs: int = 4):
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(graphs * 2, 3, generator=generator, dtype=torch.float64), dim=1)
    return z, torch.arange(graphs).repeat(2)


def test_equals_a_loop_over_batch_and_queue() -> None:
    objective = UCL(temperature=0.7, memory_size=10)
    first, graph = rows(0)
    second, _ = rows(1)
    torch.testing.assert_close(
        objective(first, graph=graph), UCL(temperature=0.7)(first, graph=graph)
    )
    other = graph + 2  # graphs 2 and 3 come again: their old views neither attract nor repel
    found = objective(second, graph=other)
    samples = torch.cat([second, first])
    losses = []
    for i in range(8):
        keys = torch.cat([other, graph])
        s = samples @ second[i] / 0.7
        n = s[keys != other[i]].exp().sum()
        near = s[(i + 4) % 8].exp()
        losses.append(-torch.log(near / (near + n)))
    torch.testing.assert_close(found, torch.stack(losses).mean())
    assert len(objective.memory.keys) == 10
    torch.testing.assert_close(objective.memory.features[-8:], second)


def test_same_labels_in_the_queue_do_not_repel() -> None:
    z, graph = rows(2)
    label = torch.tensor([0, 1, 0, 1]).repeat(2)
    objective = HSCL(memory_size=8, beta=1.0)
    objective(z, graph=graph, label=label)
    samples, pairs = objective.memory.join(z, label, label)
    assert pairs.counts()[1].tolist() == [8] * 8  # 4 of the batch, 4 of the queue
    assert pairs.counts()[0].tolist() == [3] * 8
    expected = contrastive_loss(z, pairs, samples, hardening=objective.hardening)
    objective.eval()
    torch.testing.assert_close(objective(z, graph=graph, label=label), expected)
    assert len(objective.memory.keys) == 8


def test_gradient_reaches_the_batch_alone() -> None:
    objective, (z, graph) = HUCL(memory_size=8), rows(3)
    objective(z.requires_grad_(), graph=graph)
    assert not objective.memory.features.requires_grad
    assert torch.autograd.gradcheck(lambda z: objective.eval()(z, graph=graph + 4), (z,))


def test_state_goes_through_a_checkpoint() -> None:
    objective, (z, graph) = UCL(memory_size=5), rows(4)
    objective(z, graph=graph)
    again = UCL(memory_size=5)
    again.load_state_dict(objective.state_dict())
    torch.testing.assert_close(again(z, graph=graph + 9), objective(z, graph=graph + 9))


def test_without_graphs_every_remembered_row_is_another_graph() -> None:
    objective, (z, _) = UCL(memory_size=12), rows(5)
    first, second = z.chunk(2)
    for known in (0, 8, 12):  # two batches of eight rows, of which the memory holds twelve
        keys = torch.arange(4).repeat(2)
        samples = torch.cat([z, objective.memory.features[-known:]]) if known else z
        names = torch.cat([keys, 100 + torch.arange(known)])
        pairs = Pairs((keys, names), (keys, names), torch.arange(8))
        assert len(objective.memory.keys) == known
        torch.testing.assert_close(objective(first, second), contrastive_loss(z, pairs, samples))
    again = UCL(memory_size=12)
    again.load_state_dict(objective.state_dict())
    assert again.memory.fresh(1, z.device).item() == -13
    objective(z, graph=torch.arange(8))  # numbers of one's own do not meet those
    assert len(set(objective.memory.keys.tolist())) == 12


class NarrowKeys(HUCL):
    """Keys as a user's own: 0 and the largest of a narrow type are both in use."""

    kinds = (torch.uint8, torch.uint8)

    def keys(self, graph, label):
        one, other = (
            graph % 2 if kind == torch.bool else graph % 2 * torch.iinfo(kind).max
            for kind in self.kinds
        )
        one, other = one.to(self.kinds[0]), other.to(self.kinds[1])
        return one, one if self.kinds[0] == self.kinds[1] else other


@pytest.mark.parametrize("contrast", ["all", "across-views"])
@pytest.mark.parametrize(
    "kinds",
    [
        (torch.uint8, torch.uint8),
        (torch.bool, torch.bool),
        (torch.int8, torch.long),
        (torch.long, torch.uint8),
        (torch.uint8, torch.bool),
    ],
)
def test_keys_of_any_width_are_remembered(kinds, contrast) -> None:
    exact, narrow = (NarrowKeys(memory_size=12, contrast=contrast) for _ in range(2))
    exact.kinds, narrow.kinds = (torch.long, torch.long), kinds
    if kinds[0] != kinds[1]:  # the same pairs by keys of one width
        exact.keys = lambda graph, label: tuple(key.long() for key in narrow.keys(graph, label))
    for seed in range(3):
        z, graph = rows(seed)
        assert torch.equal(narrow(z, graph=graph), exact(z, graph=graph))
    assert narrow.memory.keys.dtype == torch.long


def test_remembered_keys_are_not_narrowed() -> None:
    memory, (z, _) = MemoryBank(8), rows(0)
    memory.push(z, torch.arange(8) * 256)
    few = (torch.arange(8) % 4).to(torch.uint8)
    assert memory.pairs(few, few).counts()[1].tolist() == [13, 14, 14, 14] * 2


def test_evaluation_remembers_nothing() -> None:
    objective, (z, _) = UCL(memory_size=12).eval(), rows(6)
    objective(z, z)
    assert len(objective.memory.keys) == int(objective.memory.unnamed) == 0


def test_what_the_loss_refuses_is_not_remembered() -> None:
    objective, (z, graph) = UCL(memory_size=12), rows(7)
    objective(z, graph=graph)
    for wrong in (z * torch.nan, z[:, :2]):
        with pytest.raises(ValueError, match="Expected"):
            objective(wrong, graph=graph)
    assert objective.memory.features.isfinite().all()
    with pytest.raises(ValueError, match="features of width 3, as the memory holds, but got 2"):
        objective(z[:, :2], graph=graph)


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="whole number of 1 or more"):
        MemoryBank(0)


class Trained(nn.Module):
    """A network that holds its loss, as in a loop of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.loss = UCL(memory_size=64)

    def forward(self, z, graph):
        return self.loss(self.linear(z), graph=graph)


def remember(number: int, port: int, found) -> None:
    """Train in one of two processes; pass on what it remembers."""
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", init_method=address, rank=number, world_size=2)
    model = nn.parallel.DistributedDataParallel(Trained())
    for step in range(3):
        graph = torch.arange(2).repeat(2) + 10 * step + 100 * number
        model(torch.ones(4, 3), graph).backward()
    found.put((number, model.module.loss.memory.keys.tolist()))
    distributed.barrier()
    distributed.destroy_process_group()


def test_processes_remember_their_own_rows() -> None:
    context = multiprocessing.get_context("spawn")
    found = context.SimpleQueue()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [context.Process(target=remember, args=(k, port, found)) for k in range(2)]
    for process in processes:
        process.start()
    kept = dict(found.get() for _ in processes)
    for process in processes:
        process.join()
    assert kept[1] == [100 + key for key in kept[0]]
    assert kept[0] == [0, 1, 0, 1, 10, 11, 10, 11, 20, 21, 20, 21]


@pytest.mark.parametrize("use_buffers", [False, True])
def test_weights_are_averaged_beside_a_memory(use_buffers: bool) -> None:
    model = Trained()
    average = torch.optim.swa_utils.AveragedModel(model, use_buffers=use_buffers)
    for seed in range(3):
        z, graph = rows(seed)
        model(z.float(), graph).backward()
        average.update_parameters(model)
    assert not [*model.buffers()]


def test_the_state_dict_is_that_of_buffers() -> None:
    """Checkpoints of earlier versions, where the rows were buffers, go on."""
    model = Trained()
    model(torch.ones(4, 3), torch.arange(2).repeat(2)).backward()
    state = model.state_dict()
    assert [name for name in state if name.startswith("loss")] == [
        "loss.memory.features",
        "loss.memory.keys",
        "loss.memory.unnamed",
    ]
    assert all(type(value) is torch.Tensor for value in state.values())
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    again = Trained()
    again.load_state_dict(torch.load(file, weights_only=True))
    assert again.loss.memory.keys.tolist() == [0, 1, 0, 1]
    model(torch.ones(4, 3), torch.arange(2).repeat(2) + 9)
    assert len(again.loss.memory.keys) == 4  # a copy
    for change, name in ((("features", "rows"), "Missing"), (("rows", "features"), "Unexpected")):
        other = {key.replace(*change): value for key, value in state.items()}
        other |= {} if name == "Missing" else {"loss.memory.rows": torch.ones(1)}
        with pytest.raises(RuntimeError, match=name):
            again.load_state_dict(other)
        again.load_state_dict(other, strict=False)
    with pytest.raises(RuntimeError, match=r"size mismatch for loss\.memory\.features"):
        again.load_state_dict(state | {"loss.memory.features": torch.ones(4)})


def test_no_more_is_kept_than_is_remembered() -> None:
    memory = MemoryBank(5)
    for number in range(4):
        memory.push(torch.full((3, 2), float(number)), torch.full((3,), number))
    assert memory.keys.tolist() == memory.features[:, 0].tolist() == [2, 2, 3, 3, 3]
    assert memory.features.untyped_storage().nbytes() == 5 * 2 * 4  # or safetensors refuses it
    memory.push(torch.full((9, 2), 7.0), torch.full((9,), 7))
    assert memory.keys.tolist() == [7] * 5


def test_the_rows_follow_to_and_copies() -> None:
    model = Trained()
    model(torch.ones(4, 3), torch.arange(2).repeat(2))
    copied = copy.deepcopy(model).double()
    memory = copied.loss.memory
    assert (memory.features.dtype, memory.keys.dtype) == (torch.float64, torch.int64)
    assert model.loss.memory.features.dtype == torch.float32
    assert {value.device.type for value in copied.to("meta").state_dict().values()} == {"meta"}
    assert pickle.loads(pickle.dumps(model)).loss.memory.keys.tolist() == [0, 1, 0, 1]
