"""Segment reductions against loops, and against torch-scatter where it can be imported."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_hcl.losses.segment import segment_mean, segment_sum

LOOPS = {
    segment_sum: lambda rows: rows.sum(0),
    segment_mean: lambda rows: rows.mean(0) if len(rows) else rows.sum(0),
}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 6), st.booleans())
def test_equal_loops(seed: int, count: int, segments: int, wide: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    shape = (count, 3) if wide else (count,)
    values = 50 * torch.randn(shape, generator=generator, dtype=torch.float64)
    segment = torch.randint(segments, (count,), generator=generator)
    for reduce, loop in LOOPS.items():
        expected = torch.stack([loop(values[segment == k]) for k in range(segments)])
        torch.testing.assert_close(reduce(values, segment, segments), expected)


def test_gradients_even_beside_empty_segments() -> None:
    segment = torch.tensor([0, 2, 0, 2])
    values = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    for reduce in LOOPS:
        assert torch.autograd.gradcheck(lambda v, reduce=reduce: reduce(v, segment, 4), (values,))


def test_equal_torch_scatter() -> None:
    scatter = pytest.importorskip("torch_scatter", reason="the extra scatter is not installed")
    values, segment = torch.randn(50, 4), torch.randint(5, (50,))
    for name, reduce in (("scatter_sum", segment_sum), ("scatter_mean", segment_mean)):
        expected = getattr(scatter, name)(values, segment, 0, dim_size=5)
        torch.testing.assert_close(reduce(values, segment, 5), expected)


def test_wrong_shape() -> None:
    with pytest.raises(ValueError, match="one segment per row"):
        segment_sum(torch.ones(3), torch.zeros(2, dtype=torch.long), 1)
