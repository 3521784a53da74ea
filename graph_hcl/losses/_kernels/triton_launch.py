"""What the Triton kernels need around them: whether they can run, blocks, splits, sorted rows."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graph_hcl.losses.pairs import Pairs
from graph_hcl.with_triton import OPTIONS, is_installed, tf32_allowed, why_no_kernel

LOG2E = math.log2(math.e)
WIDEST = 128
"""Columns of features that a program holds at a time."""
LARGE = 200_000
"""Bytes of shared memory per block that data-centre GPUs from Hopper on have."""
MEMORY = 64 * 2**20
"""Bytes that partial gradients may take where one block of rows is shared by several programs."""


class Shape(NamedTuple):
    """Rows of a block and of a step of the loop over the other side, warps and stages.

    >>> Shape(128, 64, 8, 3).block
    128
    """

    block: int
    step: int
    warps: int
    stages: int


INTERPRETED = Shape(16, 16, 4, 1)
"""Small tiles for the interpreter, so that small tests have several."""
SHAPES = {
    ("half", True): Shape(128, 64, 8, 3),
    ("half", False): Shape(128, 64, 8, 3),
    ("tf32", True): Shape(128, 64, 8, 2),
    ("tf32", False): Shape(64, 32, 4, 2),
    ("tf32x3", True): Shape(128, 32, 8, 2),
    ("tf32x3", False): Shape(32, 32, 4, 2),
}
"""Shapes by precision, and by whether shared memory is `LARGE`: those that compile without spills,
or with the fewest, for a width of 128."""


@functools.cache
def kernels() -> dict[str, Any]:
    """Return the kernels by name, none where Triton is not installed.

    >>> list(kernels()) in ([], ["negative_sums", "negative_slopes", "positive_sums",
    ...                          "positive_slopes"])
    True
    """
    if not is_installed():
        return {}
    from graph_hcl.losses._kernels import triton_negatives, triton_positives

    return {
        "negative_sums": triton_negatives.negative_sums,
        "negative_slopes": triton_negatives.negative_slopes,
        "positive_sums": triton_positives.positive_sums,
        "positive_slopes": triton_positives.positive_slopes,
    }


def why_not(device: torch.device, kind: torch.dtype) -> str | None:
    """Return what keeps the kernels from running for features of a type, None if nothing does.

    >>> why_not(torch.device("cpu"), torch.float64)
    'features of torch.float64'
    """
    if kind not in (torch.float32, torch.float16, torch.bfloat16):
        return f"features of {kind}"
    reason = why_no_kernel(device, kernels().get("negative_sums"))
    if reason is None and device.type == "cpu" and kind == torch.bfloat16:
        return f"features of {kind} in Triton's interpreter"  # which multiplies them wrongly
    return reason


@dataclass(frozen=True)
class Side:
    """Rows in the order of their keys, and the range of equal keys on the other side for each.

    `order` [n] are the numbers of the rows, `first` and `end` [n] positions in the other side's
    order; all in this side's order.
    """

    order: Tensor
    first: Tensor
    end: Tensor

    def sort(self, values: Tensor, kind: torch.dtype | None = None) -> Tensor:
        """Return values [n, …] in this side's order.

        >>> side, _ = sides(torch.tensor([1, 0]), torch.tensor([1, 0]))
        >>> side.sort(torch.tensor([5, 6]))
        tensor([6, 5])
        """
        return values.index_select(0, self.order).to(kind or values.dtype)

    def unsort(self, values: Tensor) -> Tensor:
        """Return values [n, …] in the order that the rows came in.

        >>> side, _ = sides(torch.tensor([1, 2, 0]), torch.tensor([1, 2, 0]))
        >>> side.unsort(side.sort(torch.tensor([5, 6, 7])))
        tensor([5, 6, 7])
        """
        return torch.empty_like(values).index_copy_(0, self.order, values)


def sides(anchors: Tensor, samples: Tensor) -> tuple[Side, Side]:
    """Return the sides of keys [A] and [S], without a wait for the device.

    >>> left, right = sides(torch.tensor([1, 0]), torch.tensor([0, 0, 2]))
    >>> left.order.tolist(), left.first.tolist(), left.end.tolist()
    ([1, 0], [0, 2], [2, 2])
    """
    a, a_order = anchors.sort(stable=True)
    if anchors is samples:
        side = _side(a, a_order, a)
        return side, side
    s, s_order = samples.sort(stable=True)
    return _side(a, a_order, s), _side(s, s_order, a)


def _side(keys: Tensor, order: Tensor, others: Tensor) -> Side:
    first = torch.searchsorted(others, keys, out_int32=True)
    return Side(order, first, torch.searchsorted(others, keys, right=True, out_int32=True))


def negative_sides(pairs: Pairs) -> tuple[Side, Side]:
    """Return the sides whose equal keys are no negatives of each other.

    >>> negative_sides(Pairs.among(torch.tensor([0, 0]), None))[0].end.tolist()
    [1, 2]
    """
    if pairs.negative is not None:
        return sides(*pairs.negative)
    count, own = len(pairs.positive[1]), pairs.self_index
    columns = torch.arange(count, device=pairs.positive[1].device)
    if own is None:
        return sides(columns.new_full((len(pairs.positive[0]),), -1), columns)
    among = pairs.in_order and len(own) == count
    return sides(columns, columns) if among else sides(own, columns)


def own_positions(left: Side, right: Side, pairs: Pairs) -> Tensor:
    """Return the position of each anchor's own column, −1 without one, in the sides' orders [A].

    >>> pairs = Pairs.among(torch.tensor([1, 0]), None)
    >>> own_positions(*sides(*pairs.positive), pairs).tolist()
    [0, 1]
    """
    if pairs.self_index is None:
        return torch.full_like(left.first, -1)
    places = torch.arange(len(right.order), device=right.order.device, dtype=torch.int32)
    return right.unsort(places)[left.sort(pairs.self_index)]


@dataclass(frozen=True)
class Launch:
    """The constants of a kernel for features of a width and type on a device.

    float32 features are multiplied with its full precision, by three products of TF32, unless
    `torch.backends.cuda.matmul.allow_tf32` allows one.

    >>> Launch.of(torch.zeros(4, 8), torch.float32).chunk
    16
    """

    shape: Shape
    chunk: int
    chunks: int
    precision: str
    programs: int
    device: torch.device

    @classmethod
    def of(cls, features: Tensor, kind: torch.dtype) -> Launch:
        """Return the constants for features [n, d] whose products are of a type."""
        width, device = features.shape[1], features.device
        chunk = min(WIDEST, max(16, 2 ** max(0, width - 1).bit_length()))
        # Products of float16 would lose small slopes, which TF32 holds with as many digits.
        rough = kind == torch.float16 or tf32_allowed()
        precision = "tf32" if rough else "tf32x3"
        shape, programs = INTERPRETED, 1
        if device.type == "cuda":
            about = torch.cuda.get_device_properties(device)
            memory = getattr(about, "shared_memory_per_block_optin", 0)
            shape = SHAPES[precision if kind == torch.float32 else "half", memory >= LARGE]
            programs = 2 * about.multi_processor_count
        return cls(shape, chunk, -(-max(1, width) // chunk), precision, programs, device)

    def blocks(self, rows: int) -> int:
        """Return the number of blocks of so many rows."""
        return -(-rows // self.shape.block)

    def splits(self, rows: int, columns: int, bytes_each: int) -> int:
        """Return among how many programs the columns of a block of rows are shared.

        As many as keep the device busy, of four blocks each and with partial results of
        `bytes_each` times them within `MEMORY`.
        """
        most = min(self.blocks(columns) // 4, MEMORY // max(1, bytes_each))
        return max(1, min(self.programs // self.blocks(rows), most))

    def run(self, name: str, grid: tuple[int, ...], *given: Any, **constants: Any) -> None:
        """Run one of the `kernels` on a grid of programs."""
        shared: dict[str, Any] = {
            "CHUNK": self.chunk, "WIDE": self.chunks > 1, "PRECISION": self.precision,
            "BLOCK": self.shape.block, "STEP": self.shape.step,
        }  # fmt: skip
        kernel = kernels()[name]
        if self.device.type == "cpu":  # the interpreter
            kernel[grid](*given, **constants, **shared)
            return
        with torch.cuda.device(self.device):
            warps, stages = self.shape.warps, self.shape.stages
            shared |= {"num_warps": warps, "num_stages": stages, **OPTIONS}
            kernel[grid](*given, **constants, **shared)
