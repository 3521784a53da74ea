"""The kernel of walks gives the times of the hops over all edges, and both those of Dijkstra."""

import heapq
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graph_hcl.augment import walk
from tests.compiled import printed

pytest.importorskip("triton", reason="the extra triton is not installed")

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Case = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def case(sizes: list[tuple[int, int]], seed: int) -> Case:
    """Return edges, waits, times at the start, the graph of each node, and where they start."""
    made = torch.Generator().manual_seed(seed)
    ptr = torch.tensor([0, *(n for n, _ in sizes)]).cumsum(0)
    edges = torch.cat(
        [
            torch.randint(max(1, n), (2, e if n else 0), generator=made) + ptr[g]
            for g, (n, e) in enumerate(sizes)
        ]
        or [torch.empty(2, 0, dtype=torch.long)],
        dim=1,
    )
    edges = edges[:, torch.randperm(edges.shape[1], generator=made)]
    wait = torch.empty(edges.shape[1]).exponential_(generator=made) + 1e-3
    batch = torch.arange(len(sizes)).repeat_interleave(ptr.diff())
    time = torch.full((int(ptr[-1]),), math.inf)
    time[ptr[:-1][ptr.diff() > 0]] = 0
    return edges, wait, time, batch, ptr


def dijkstra(edges: Tensor, wait: Tensor, time: Tensor) -> list[float]:
    ways: dict[int, list[tuple[int, float]]] = {}
    for (source, target), taken in zip(edges.t().tolist(), wait.tolist(), strict=True):
        ways.setdefault(source, []).append((target, taken))
    found, heap = {}, [(0.0, node) for node, at in enumerate(time.tolist()) if at == 0]
    while heap:
        at, node = heapq.heappop(heap)
        if node not in found:
            found[node] = at
            for target, taken in ways.get(node, []):
                heapq.heappush(heap, (at + taken, target))
    return [found.get(node, math.inf) for node in range(len(time))]


def by_kernel(given: Case, in_order: bool, kind: torch.dtype = torch.long) -> Tensor:
    edges, wait, time, batch, ptr = given
    if in_order:
        order = edges[0].argsort()
        edges, wait = edges[:, order], wait[order]
    there = [each.to(DEVICE) for each in (time.clone(), edges.to(kind), wait, batch, ptr)]
    return walk.by_kernel(*there, in_order).cpu()


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 90)), max_size=5),
    seed=st.integers(0, 2**20),
)
def test_times_are_those_of_dijkstra(sizes, seed) -> None:
    edges, wait, time, batch, _ = given = case(sizes, seed)
    hops = walk.by_hops(time.clone(), edges, wait, batch, len(sizes))
    exact = torch.tensor(dijkstra(edges, wait, time))
    torch.testing.assert_close(hops, exact, rtol=1e-5, atol=1e-6)
    for in_order in (False, True):
        for kind in (torch.long, torch.int32):
            assert torch.equal(by_kernel(given, in_order, kind), hops)


def test_a_long_path_is_walked_to_its_end() -> None:
    edges = torch.stack([torch.arange(100), torch.arange(1, 101)]).flip(1)
    time = torch.full((101,), math.inf).index_fill_(0, torch.tensor(0), 0)
    nodes, ptr = torch.zeros(101, dtype=torch.long), torch.tensor([0, 101])
    found = by_kernel((edges, torch.ones(100), time, nodes, ptr), False)
    assert torch.equal(found, torch.arange(101.0))


def test_a_wait_below_the_last_digit_of_the_time_still_counts() -> None:
    edges = torch.stack([torch.arange(80), torch.arange(1, 81)])
    wait = torch.full((80,), 1e-3)
    wait[0] = 1e6
    time = torch.full((81,), math.inf).index_fill_(0, torch.tensor(0), 0)
    nodes, ptr = torch.zeros(81, dtype=torch.long), torch.tensor([0, 81])
    assert (by_kernel((edges, wait, time, nodes, ptr), True).diff() > 0).all()


def test_the_cpu_takes_hops_and_one_huge_graph_does_anywhere(monkeypatch) -> None:
    assert not walk.takes_kernel(torch.device("cpu"))
    monkeypatch.setattr(walk, "takes_kernel", lambda device: True)
    ran = []
    monkeypatch.setattr(walk, "run", lambda *given: ran.append(given))
    edges, wait, time, batch, ptr = case([(9, 30)], 0)
    walk.travel_times(edges, wait, time == 0, batch, ptr)
    assert len(ran) == 1
    monkeypatch.setattr(walk, "MOST_EDGES", 29)
    found = walk.travel_times(edges, wait, time == 0, batch, ptr)
    assert len(ran) == 1
    assert found.tolist() == pytest.approx(dijkstra(edges, wait, time))


COMPILED = """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from graph_hcl.augment.walk import BLOCK, WARPS, kernel

    for kind in ("*i64", "*i32"):
        types = ["*i32", kind, kind, "*fp32", "*i64", "constexpr"]
        signature = dict(zip(kernel().arg_names, types, strict=True))
        source = ASTSource(fn=kernel(), signature=signature, constexprs={(5,): BLOCK})
        made = triton.compile(source, target=GPUTarget("cuda", 90, 32),
                              options={"num_warps": WARPS})
        text = made.asm["ptx"]
        print(text.count("ld.volatile"), text.count(".min.s32"), text.count("bar.sync"))
"""


@pytest.mark.slow
def test_the_kernel_compiles_for_a_gpu_that_is_not_there() -> None:
    lines = printed(COMPILED)
    for line in lines:  # times are read anew, lowered at once, and waited for
        assert all(int(count) > 0 for count in line.split()), line
    assert len(lines) == 2
