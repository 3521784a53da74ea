"""Pairs of nodes that no edge joins yet, drawn without replacement for all graphs at once.

The n (n − 1) / 2 pairs u < v of a graph of n nodes are numbered v (v − 1) / 2 + u, and those of a
batch follow each other graph by graph. Of these, the free ones are numbered, too: the r-th free
pair is r plus the number of joined pairs before it, which one binary search finds. So no draw ever
meets an edge.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from graph_hcl.augment.nodes import random_rank
from graph_hcl.augment.ratio import nearest_counts
from graph_hcl.data.kept import Kept, read_together


def draw_free_pairs(
    edge_index: Tensor,
    batch: Tensor,
    ptr: Tensor,
    ratio: float,
    generator: Generator | None,
    *,
    sorted_undirected: bool = False,
) -> Tensor:
    """Return random pairs [2, K] of nodes that no edge joins, `ratio` · E / 2 of a graph's E edges.

    E counts columns of `edge_index`, two for each undirected edge. The number is rounded to the
    nearest, halves upwards; of a graph with fewer free pairs, all are returned. `batch` [n] is the
    graph of each node, and `ptr` [B + 1] where the nodes of each graph start. Each set of that many
    free pairs is equally likely. `sorted_undirected` promises that the edges are sorted by source
    and run both ways, without self-loops; it saves most of the time, and changes nothing else.

    >>> edges, ptr = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]), torch.tensor([0, 4])
    >>> draw_free_pairs(edges, torch.zeros(4).long(), ptr, 0.9, None).shape
    torch.Size([2, 3])
    """
    batch, ptr = batch.long(), ptr.long()
    nodes = ptr.diff()
    first = _starts(nodes * (nodes - 1) // 2)
    graph = batch.index_select(0, edge_index[0])
    edges = torch.zeros_like(nodes).index_add_(0, graph, torch.ones_like(graph))
    joined = _joined_pairs(edge_index, graph, ptr, first, sorted_undirected)
    free = first - torch.searchsorted(joined, first)
    count = nearest_counts(edges, ratio / 2).minimum(free.diff())
    number, graph = choose_numbers(free, count, generator)
    before = joined - torch.arange(len(joined), device=joined.device)
    number = number + torch.searchsorted(before, number, right=True)
    return ptr.index_select(0, graph) + _pair(number - first.index_select(0, graph))


def choose_numbers(
    ptr: Tensor, count: Tensor, generator: Generator | None
) -> tuple[Tensor, Tensor]:
    """Return `count[g]` different numbers in `ptr[g] : ptr[g + 1]` for each g, and the g of each.

    Each set of that many numbers is equally likely. Where there are four times as many numbers as
    are asked for, they are the first different ones of half as many draws again and eight; that
    these do not suffice has a probability below 10⁻⁷, and then, as elsewhere, they are the first
    of all numbers in random order. So nothing is repeated, and the cost is O(K log K).

    >>> numbers, of = choose_numbers(torch.tensor([0, 100, 102]), torch.tensor([3, 2]), None)
    >>> len(numbers.unique()), of.bincount(), numbers[of == 1].sort().values
    (5, tensor([3, 2]), tensor([100, 101]))
    """
    room = ptr.diff()
    tries = torch.where((count > 0) & (room >= 4 * count), count * 3 // 2 + 8, 0)
    ((total,),) = read_together([tries.sum()[None]])
    graph, starts = _groups(tries, total)
    bits = torch.randint(2**62, graph.shape, generator=generator, device=graph.device)
    drawn = ptr.index_select(0, graph) + bits % room.index_select(0, graph)
    new = _is_new(drawn)
    seen = _starts(new)
    rank = seen[1:] - seen.index_select(0, starts[:-1].index_select(0, graph))
    done = seen.index_select(0, starts).diff() >= count
    chosen = new & (rank <= count.index_select(0, graph)) & done.index_select(0, graph)

    some, left = Kept(chosen), torch.where(done, 0, room)
    (found,), (total,), (more,) = read_together(
        [some.count, left.sum()[None], torch.where(done, 0, count).sum()[None]]
    )
    others, starts = _groups(left, total)
    every = torch.arange(len(others), device=ptr.device) + (ptr - starts)[:-1][others]
    first = random_rank(others, starts, generator) < count.index_select(0, others)
    taken, rest = some.numbers(found), Kept(first).numbers(more)
    return torch.cat([drawn[taken], every[rest]]), torch.cat([graph[taken], others[rest]])


def _joined_pairs(
    edge_index: Tensor, graph: Tensor, ptr: Tensor, first: Tensor, sorted_undirected: bool
) -> Tensor:
    """Return the sorted numbers of the pairs that an edge joins; a self-loop's is beyond all.

    `graph` [E] is the graph of each edge, and `first` [B + 1] the number of its first pair.
    """
    if sorted_undirected:  # then one of the two directions tells all
        back = Kept(edge_index[0] > edge_index[1]).numbers(edge_index.shape[1] // 2)
        edge_index, graph = edge_index.index_select(1, back), graph.index_select(0, back)
    start, (source, target) = ptr.index_select(0, graph), edge_index
    u, v = torch.minimum(source, target) - start, torch.maximum(source, target) - start
    number = first.index_select(0, graph) + v * (v - 1) // 2 + u
    if not sorted_undirected:
        number = torch.where(u == v, first[-1], number)
    if number.device.type != "cpu":  # where repetitions go beyond all: their number is not known
        number = number.sort().values
        again = torch.cat([number.new_zeros(1, dtype=torch.bool), number[1:] == number[:-1]])
        beyond = first[-1] + torch.arange(len(number), device=number.device)
        return torch.where(again[: len(number)], beyond, number).sort().values
    # As a rule sorted, but not where edges of one source have their targets in any order.
    ordered = bool((number[1:] >= number[:-1]).all())
    joined: Tensor = number.unique_consecutive() if ordered else number.unique()
    return joined


def _pair(number: Tensor) -> Tensor:
    """Return the nodes u < v [2, K] of pairs v (v − 1) / 2 + u.

    >>> _pair(torch.arange(6))
    tensor([[0, 0, 1, 0, 1, 2],
            [1, 2, 2, 3, 3, 3]])
    """
    v = ((1 + (8 * number + 1).double().sqrt()) / 2).long()
    # The square root of a large number may be rounded across a whole one.
    v = v - (v * (v - 1) // 2 > number).long() + (v * (v + 1) // 2 <= number).long()
    return torch.stack([number - v * (v - 1) // 2, v])


def _groups(sizes: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """Return 0 … B − 1, each `sizes[g]` times, `total` in all, and where each starts [B + 1]."""
    numbers = torch.arange(len(sizes), device=sizes.device)
    return numbers.repeat_interleave(sizes, output_size=total), _starts(sizes)


def _starts(sizes: Tensor) -> Tensor:
    """Return the sums of the sizes before each, and of all [B + 1]."""
    return torch.nn.functional.pad(sizes.cumsum(0), (1, 0))


def _is_new(values: Tensor) -> Tensor:
    """Return a mask of the values that occur for the first time."""
    ordered, order = values.sort(stable=True)
    new = torch.ones_like(values, dtype=torch.bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return torch.empty_like(new).scatter_(0, order, new)
