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
    one graph: its threads see each other's times after each barrier. A block of edges is relaxed
    until it changes nothing, so that a long path takes a pass over all of them for each block.
    """
    graph = tl.program_id(0)
    begin, end = tl.load(first + graph), tl.load(first + graph + 1)
    going = begin < end
    while going:
        sooner = 0
        for block in range(begin, end, BLOCK):
            edge = block + tl.arange(0, BLOCK)
            inside = edge < end
            there = time + tl.load(target + edge, mask=inside, other=0)
            here = time + tl.load(source + edge, mask=inside, other=0)
            taken = tl.load(wait + edge, mask=inside, other=0.0)
            changed = 1
            while changed > 0:
                start = tl.load(here, volatile=True)
                reached = (start.to(tl.float32, bitcast=True) + taken).to(tl.int32, bitcast=True)
                # A wait that is lost in rounding counts by the last digit; ∞ stays the largest.
                reached = tl.maximum(reached, start + 1)
                better = inside & (reached < tl.load(there, volatile=True))
                tl.atomic_min(there, reached, mask=better, sem="relaxed")
                changed = tl.max(better.to(tl.int32), 0)
                sooner = sooner | changed
                tl.debug_barrier()
        going = (sooner > 0) & (end - begin > BLOCK)
