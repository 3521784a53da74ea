"""A Triton kernel of `walk`: all hops of all graphs in one launch, which nothing waits for."""

from __future__ import annotations

import triton
import triton.language as tl

# The names of tl are made by a decorator that mypy cannot see through.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, misc"


@triton.jit
def spread(time, source, target, wait, first, BLOCK: tl.constexpr):
    """Relax the edges first[g] : first[g + 1] of each graph g until no node is reached sooner.

    `time` are the bits of floats ≥ 0, which are in their order as integers, too. One program does
    one graph: its threads see each other's times after each barrier.
    """
    graph = tl.program_id(0)
    begin, end = tl.load(first + graph), tl.load(first + graph + 1)
    going = begin < end
    while going:
        sooner = tl.zeros((BLOCK,), tl.int32)
        for block in range(begin, end, BLOCK):
            edge = block + tl.arange(0, BLOCK)
            inside = edge < end
            there = tl.load(target + edge, mask=inside, other=0)
            start = tl.load(time + tl.load(source + edge, mask=inside, other=0), volatile=True)
            taken = tl.load(wait + edge, mask=inside, other=0.0)
            reached = (start.to(tl.float32, bitcast=True) + taken).to(tl.int32, bitcast=True)
            # A wait that is lost in rounding still counts, by the last digit; ∞ stays the largest.
            reached = tl.maximum(reached, start + 1)
            better = inside & (reached < tl.load(time + there, volatile=True))
            tl.atomic_min(time + there, reached, mask=better, sem="relaxed")
            sooner = sooner | better.to(tl.int32)
        going = tl.max(sooner, 0) > 0
        tl.debug_barrier()
